"""Statistics of feature values: `column_statistics` takes a column and returns a dict of counts, moments, quantiles.

`correlations` takes frames (parts of the rows) and the columns' rough means and returns a square frame of Pearson
correlations. Nothing is stored here; statistics are of the values as they come.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

BINS = 20
"""Bins of a histogram of numbers."""
TOP = 20
"""The number of most frequent texts that are counted."""
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
CHUNK = 8_000
"""Rows that are multiplied at once."""


def column_statistics(values: pl.Series) -> dict[str, Any]:
    """n (values), nulls (or not finite), and of numbers mean, std, min, quantiles, max; `histogram` is JSON.

    The histogram of numbers is `edges` and `counts` of equal bins between min and max, of texts the most frequent
    `values` and their `counts`.
    """
    if not values.dtype.is_numeric():
        return _text_statistics(values)
    numbers = values.cast(pl.Float64)
    finite = numbers.filter(numbers.is_finite().fill_null(value=False))
    counted = {"feature": values.name, "n": finite.len(), "nulls": values.len() - finite.len()}
    if finite.is_empty():
        return counted
    quantiles = {name: finite.quantile(q, "linear") for name, q in QUANTILES.items()}
    counts, edges = np.histogram(finite.to_numpy(), BINS)
    histogram = json.dumps({"edges": edges.tolist(), "counts": counts.tolist()})
    moments = {"mean": finite.mean(), "std": finite.std(), "min": finite.min(), "max": finite.max()}
    return counted | moments | quantiles | {"histogram": histogram}


def _text_statistics(values: pl.Series) -> dict[str, Any]:
    texts = values.drop_nulls().cast(pl.String)
    top = texts.value_counts(name="n").sort("n", values.name, descending=[True, False]).head(TOP)
    histogram = json.dumps({"values": top[values.name].to_list(), "counts": top["n"].to_list()})
    return {"feature": values.name, "n": texts.len(), "nulls": values.null_count(), "histogram": histogram}


def correlations(parts: Iterable[pl.DataFrame], means: Mapping[str, float]) -> pl.DataFrame:
    """Pearson correlations of all pairs of columns over the rows in which both are finite, as a square frame.

    `parts` are frames of the columns of `means`, which gives about the mean of each (it keeps the sums small). NaN
    where a column is constant or no row holds both.
    """
    sums = np.zeros((4, len(means), len(means)))
    for part in parts:
        for rows in part.select(list(means)).iter_slices(CHUNK):
            sums += _products(rows, np.array(list(means.values())))
    n, first, square, cross = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = first / n
        spread = square / n - mean**2
        spread[spread <= 1e-12 * (square / n)] = np.nan  # constant among the rows of the pair
        pearson = (cross / n - mean * mean.T) / np.sqrt(spread * spread.T)
    return pl.DataFrame(np.clip(pearson, -1, 1), schema=list(means))


def _products(rows: pl.DataFrame, means: np.ndarray) -> np.ndarray:
    """For columns i, j over the rows in which both are finite: their number, the sums of i, of i * i and of i * j."""
    values = rows.cast(pl.Float64).to_numpy() - means
    finite = np.isfinite(values).astype(float)
    values = np.where(finite > 0, values, 0.0)
    return np.stack([finite.T @ finite, values.T @ finite, (values**2).T @ finite, values.T @ values])
