"""Sample paths: several periods at once, drawn from the errors of past windows so that their sums have fair quantiles.

`fit_error_pool` takes rows of `backtests` of one model and grain and a number of steps and returns an ErrorPool;
`draw_paths` takes forecasts of one model and this pool and returns SamplePaths: values (draws, series, steps), in units
of y. The same seed gives the same paths.

Bounds of single days do not add up: errors of neighbouring days are alike (a promotion that was underrated, a level
that moved), and those of many series share the weather. So no day is drawn alone. One draw takes a past window for all
series together, and with it complete vectors of scaled residuals over the steps: for each series that of one that is as
regular (forecast over scale). What was common to the window stays common, and may come with the other sign, as in the
bounds (see intervals); where nothing was sold, nothing is sold in the path.

What one window had in common is not taken off as a bias: with few windows that would be all that a total can err. On
real sales with one past window, 80 % intervals of sums over the full horizon covered (before: the bias taken off):
items by day 79 % (80 %) and their stores 83 % (74 %), departments by day 83 % (79 %) and their stores 79 % (64 %),
groceries by week 70 % (70 %) and their stores 75 % (63 %).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.intervals.residuals import is_closed, least_sales, scaled_residuals

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEIGHBOURS = 50
"""A series takes the vector of one of this many that are next to it in regularity: the few windows of one series are
not all that can happen to it, and drawn alone they made sums too narrow.
"""

MAX_SERIES = 20_000
"""Errors of at most this many series are kept: complete series are left out, and the time and memory for their vectors
is saved.
"""
TINY = 1e-9


@dataclass(frozen=True)
class ErrorPool:
    """Past errors from which paths are drawn, however many series at a time.

    Of every past series and window: `regularity`, its window, its scaled errors (rows, steps) and `unsold`, on which of
    the steps nothing was sold. Of every draw: its window, and the common error that is `reversed` (draws, steps).
    """

    regularity: Floats
    windows: Ints
    errors: Floats
    unsold: NDArray[np.bool_]
    drawn: Ints
    reversed: Floats
    y_min: float | None


@dataclass(frozen=True)
class SamplePaths:
    """The series in `ids`, and their sampled sales (draws, series, steps) in units of y."""

    ids: tuple[str, ...]
    values: Floats

    def sums(self, periods: int) -> Floats:
        """The sums over the first `periods` steps (draws, series), in units of y.

        >>> SamplePaths(("a",), np.array([[[1.0, 2.0, 4.0]]])).sums(2)
        array([[3.]])
        """
        return np.asarray(self.values[:, :, :periods].sum(axis=2))


def fit_error_pool(
    residuals: pl.DataFrame, steps: int, y_min: float | None = None, n: int = 500, seed: int = 0
) -> ErrorPool:
    """The windows and signs of `n` draws over the steps 1..`steps`, common to all series that are drawn from the pool.

    `residuals` are backtest rows of one model and grain from finished windows (unique_id, cutoff, step, y, yhat,
    scale). No sale is below `y_min`, or without one below a column `yhat_min`. Raises ValueError when there is no
    window to draw from.
    """
    every = -(-residuals["unique_id"].n_unique() // MAX_SERIES)
    kept = residuals if every < 2 else residuals.filter(pl.col("unique_id").rank("dense") % every == 0)
    pool = residual_vectors(kept, steps, y_min)
    if pool.is_empty():
        raise ValueError("there is no past window with all steps to draw errors from")
    windows = pool["cutoff"].rank("dense").cast(pl.Int64).to_numpy() - 1
    errors, unsold = (pool[c].explode().to_numpy().reshape(pool.height, steps) for c in ("vector", "unsold"))
    size = pool["size"].to_numpy()
    in_window = [windows == window for window in range(windows.max() + 1)]
    common = np.stack([np.average(errors[rows], axis=0, weights=size[rows]) for rows in in_window])
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(in_window), n)
    reverse = np.asarray(2.0 * common[drawn] * rng.integers(0, 2, (n, 1)))
    return ErrorPool(pool["regularity"].to_numpy(), windows, errors, unsold, drawn, reverse, y_min)


def draw_paths(rows: pl.DataFrame, pool: ErrorPool, seed: int = 0) -> SamplePaths:
    """Sample paths of the forecasts `rows` of one model (unique_id, step, yhat, scale), one for each draw of `pool`.

    Where sales have a least value (`y_min` of the pool, or a column `yhat_min`) their mean is yhat, elsewhere nearly;
    closed days have no error. Rows may come in parts, each with another seed: windows and signs are the same for all.
    Raises ValueError when a series lacks a step.
    """
    scale_or_0 = pl.when(is_closed(rows.columns)).then(0.0).otherwise("scale").alias("scale")
    ordered = rows.with_columns(scale_or_0).sort("unique_id", "step")
    ids = ordered["unique_id"].unique(maintain_order=True).to_list()
    steps = pool.reversed.shape[1]
    if ordered.height != len(ids) * steps:
        raise ValueError("every series needs one row for each step")
    yhat, scale = (ordered[c].to_numpy().reshape(len(ids), steps) for c in ("yhat", "scale"))
    regularity = yhat.mean(axis=1) / np.maximum(scale.mean(axis=1), TINY)
    chosen = _choose_vectors(pool, regularity, np.random.default_rng(seed))
    values = yhat + (pool.errors[chosen] - pool.reversed[:, None, :]) * scale
    least = ordered.with_columns(least=least_sales(ordered.columns, pool.y_min).fill_null(np.nan))["least"]
    floor = least.to_numpy().reshape(yhat.shape)
    return SamplePaths(tuple(ids), _apply_floor(values, pool.unsold[chosen], yhat, floor))


def residual_vectors(residuals: pl.DataFrame, steps: int, y_min: float | None = None) -> pl.DataFrame:
    """[unique_id, cutoff, regularity, size, vector, unsold]: one row per series and window, by window and regularity.

    `vector` are the scaled residuals over the steps 1..steps, `size` is their mean scale, `unsold` says on which of
    them nothing was sold (y at its least value). A step that was not observed or closed counts as no error, at most
    half of them may be unobserved.
    """
    unsold = (pl.col("y") <= least_sales(residuals.columns, y_min)).fill_null(value=False)
    rows = scaled_residuals(residuals).filter(pl.col("step") <= steps)
    facts = {"regularity": pl.col("yhat").mean() / pl.col("scale").mean(), "size": pl.col("scale").mean()}
    shut = residuals.filter(is_closed(residuals.columns), pl.col("step") <= steps)
    known = rows.group_by("unique_id", "cutoff").agg(pl.len(), **facts)
    known = known.join(shut.group_by("unique_id", "cutoff").agg(_shut=pl.len()), on=["unique_id", "cutoff"], how="left")
    windows = known.filter((pl.col("len") + pl.col("_shut").fill_null(0)) * 2 > steps)
    grid = windows.join(pl.DataFrame({"step": range(1, steps + 1)}, schema={"step": pl.Int32}), how="cross")
    errors = rows.select("unique_id", "cutoff", pl.col("step").cast(pl.Int32), "r", unsold=unsold)
    full = grid.join(errors, on=["unique_id", "cutoff", "step"], how="left").sort("unique_id", "cutoff", "step")
    by_window = full.group_by("unique_id", "cutoff", *facts, maintain_order=True)
    vectors = by_window.agg(vector=pl.col("r").fill_null(0.0), unsold=pl.col("unsold").fill_null(value=False))
    return vectors.sort("cutoff", "regularity", "unique_id")


def sum_quantiles(totals: Floats, probabilities: Mapping[str, float]) -> pl.DataFrame:
    """One column for each of the probabilities, one row for each series of `totals` (draws, series), in its units.

    >>> sum_quantiles(np.array([[1.0], [2.0], [3.0]]), {"q50": 0.5}).row(0)
    (2.0,)
    """
    found = np.quantile(totals, list(probabilities.values()), axis=0)
    return pl.DataFrame(dict(zip(probabilities, found, strict=True)))


def _choose_vectors(pool: ErrorPool, regularity: Floats, rng: np.random.Generator) -> Ints:
    """Rows of the pool (draws, series): of the draw's window one that is as regular as the series."""
    chosen = np.empty((len(pool.drawn), len(regularity)), dtype=np.int64)
    for window in range(pool.windows.max() + 1):
        draws, rows = np.flatnonzero(pool.drawn == window), np.flatnonzero(pool.windows == window)
        chosen[draws] = rows[_near(pool.regularity[rows], regularity, len(draws), rng)]
    return chosen


def _near(ascending: Floats, wanted: Floats, n: int, rng: np.random.Generator) -> Ints:
    """Places in `ascending` (n, series) of one of the nearest to each wanted value; equal values are equally near."""
    width = min(NEIGHBOURS, len(ascending))
    left, right = (np.searchsorted(ascending, wanted, side=side) for side in ("left", "right"))
    middle = rng.integers(left, np.maximum(right, left + 1), (n, len(wanted)))
    first = np.clip(middle - width // 2, 0, len(ascending) - width)
    return np.asarray(first + rng.integers(0, width, first.shape))


def _apply_floor(values: Floats, unsold: NDArray[np.bool_], yhat: Floats, floor: Floats) -> Floats:
    """Nothing below `floor` (series, steps), NaN where there is none, and that where nothing is sold; what it adds to
    the mean is taken off the values above it in proportion.
    """
    bounded = np.isfinite(floor)
    if not bounded.any():
        return values
    least = np.where(bounded, floor, 0.0)
    above = np.maximum(np.where(unsold, least, values), least) - least
    mean = above.mean(axis=0)
    factor = np.divide(np.maximum(yhat - least, 0), mean, out=np.ones_like(mean), where=mean > 0)
    return np.where(bounded, least + above * factor, values)
