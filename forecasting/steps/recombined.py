"""Past windows as a combination's weights of today would have answered them.

Weights are learned as windows come in: in the oldest windows all members still weighed the same, naive ones included.
Bounds made of what was said then would be those of a model that no longer answers, and far too wide.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from forecasting.data.panel import KEY
from forecasting.models.base import Fitted
from forecasting.models.ensemble import FittedEnsemble

ROW = (*KEY, "cutoff")


def recombined(past: pl.DataFrame, fitted: Iterable[Fitted]) -> pl.DataFrame:
    """The backtest rows `past`, those of combinations of single series made anew from the rows of their members.

    yhat, q50 and scale (the size of an error to expect, combined as the forecasts are) are replaced; rows of which no
    member is known, and those of aggregates, stay as they are.
    """
    for model in fitted:
        if isinstance(model, FittedEnsemble):
            past = _anew(past, model)
    return past


def _anew(past: pl.DataFrame, model: FittedEnsemble) -> pl.DataFrame:
    members = past.filter(pl.col("model").is_in([m.name for m in model.members]), pl.col("grain") == "series")
    mine = (pl.col("model") == model.name) & (pl.col("grain") == "series")
    windows = members.partition_by("cutoff", as_dict=True)
    if not windows:
        return past
    made = pl.concat(_said(model, rows).with_columns(cutoff=pl.lit(at)) for (at,), rows in windows.items())
    joined = past.join(made, on=ROW, how="left", suffix="_new", maintain_order="left")
    values = [c for c in ("yhat", "q50", "scale") if c in past.columns]
    new = [pl.when(mine).then(pl.coalesce(f"{c}_new", c)).otherwise(c).alias(c) for c in values]
    return joined.with_columns(new).select(past.columns)


def _said(model: FittedEnsemble, rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, yhat, q50, scale] of one window."""
    said = model.combine(rows.select(*KEY, "model", "yhat")).select(*KEY, "yhat", "q50")
    sizes = model.combine(rows.select(*KEY, "model", yhat="scale")).select(*KEY, scale="yhat")
    return said.join(sizes, on=KEY)
