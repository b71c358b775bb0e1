"""Past windows as a combination's weights of today would have answered them.

Weights are learned as windows come in: in the oldest windows all members still weighed the same, naive ones included.
Bounds made of what was said then would be those of a model that no longer answers, and far too wide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from forecasting.data.panel import KEY
from forecasting.models.base import Fitted
from forecasting.models.ensemble import FittedEnsemble

ROW = (*KEY, "cutoff", "grain")


def recombined(past: pl.DataFrame, fitted: Iterable[Fitted], homes: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """The backtest rows `past`, those of combinations of single series made anew from the rows of their members.

    yhat, q50 and scale (the size of an error to expect, combined as the forecasts are) are replaced, and yhat of their
    aggregates, which are the sums; `homes` tells unique_id and for every grain the aggregate of the series. Rows of
    which no member is known stay as they are.
    """
    for model in fitted:
        if isinstance(model, FittedEnsemble):
            past = _anew(past, model, homes)
    return past


def _anew(past: pl.DataFrame, model: FittedEnsemble, homes: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    members = past.filter(pl.col("model").is_in([m.name for m in model.members]), pl.col("grain") == "series")
    windows = members.partition_by("cutoff", as_dict=True)
    if not windows:
        return past
    said = pl.concat(_said(model, rows).with_columns(cutoff=pl.lit(at)) for (at,), rows in windows.items())
    made = pl.concat([said.with_columns(grain=pl.lit("series")), *_sums(past, said, homes())], how="diagonal")
    joined = past.join(made, on=ROW, how="left", suffix="_new", maintain_order="left")
    mine, values = pl.col("model") == model.name, [c for c in ("yhat", "q50", "scale") if c in past.columns]
    new = [pl.when(mine).then(pl.coalesce(f"{c}_new", c)).otherwise(c).alias(c) for c in values]
    return joined.with_columns(new).select(past.columns)


def _said(model: FittedEnsemble, rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, yhat, q50, scale] of one window."""
    said = model.combine(rows.select(*KEY, "model", "source", "yhat")).select(*KEY, "yhat", "q50")
    sizes = model.combine(rows.select(*KEY, "model", "source", yhat="scale")).select(*KEY, scale="yhat")
    return said.join(sizes, on=KEY)


def _sums(past: pl.DataFrame, said: pl.DataFrame, homes: pl.DataFrame) -> list[pl.DataFrame]:
    """[unique_id, ds, cutoff, grain, yhat]: what the series of every aggregate sum to, over days with an observed y."""
    seen = past.filter(pl.col("grain") == "series", pl.col("y").is_not_null()).select(*KEY, "cutoff").unique()
    rows = said.select(*KEY, "cutoff", "yhat").join(seen, on=[*KEY, "cutoff"], how="semi").join(homes, on="unique_id")
    return [
        rows.group_by("ds", "cutoff", unique_id=pl.col(grain)).agg(pl.col("yhat").sum(), grain=pl.lit(grain))
        for grain in homes.columns[1:]
    ]
