"""Past windows as the ensembles of today would have forecast them.

Weights are learned as windows come in: in the oldest windows all members still weighed the same, naive ones included.
Bounds made of what was forecast then would be those of a model that no longer exists, and far too wide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from forecasting.data.panel import KEY
from forecasting.models.base import Fitted
from forecasting.models.ensemble import MEMBER, FittedEnsemble

ROW = (*KEY, "cutoff", "grain")


def replay_ensembles(
    backtests: pl.DataFrame, fitted: Iterable[Fitted], memberships: Callable[[], pl.DataFrame]
) -> pl.DataFrame:
    """The backtest rows, those of ensembles of single series combined again from the rows of their members.

    yhat, q50 and scale (the error to expect, combined as the forecasts are) are replaced, and yhat of their aggregates,
    which are the sums; `memberships` gives [unique_id, one column per grain], the aggregates of each series. Rows
    without rows of members stay as they are.
    """
    for model in fitted:
        if isinstance(model, FittedEnsemble):
            backtests = _replay(backtests, model, memberships)
    return backtests


def _replay(backtests: pl.DataFrame, model: FittedEnsemble, memberships: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    members = backtests.filter(pl.col("model").is_in([m.name for m in model.members]), pl.col("grain") == "series")
    windows = members.partition_by("cutoff", as_dict=True)
    if not windows:
        return backtests
    combined = pl.concat(_combine(model, rows).with_columns(cutoff=pl.lit(at)) for (at,), rows in windows.items())
    series = combined.with_columns(grain=pl.lit("series"))
    made = pl.concat([series, *_sums(backtests, combined, memberships())], how="diagonal")
    both = backtests.join(made, on=ROW, how="left", suffix="_new", maintain_order="left")
    mine, values = pl.col("model") == model.name, [c for c in ("yhat", "q50", "scale") if c in backtests.columns]
    replaced = [pl.when(mine).then(pl.coalesce(f"{c}_new", c)).otherwise(c).alias(c) for c in values]
    return both.with_columns(replaced).select(backtests.columns)


def _combine(model: FittedEnsemble, rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, yhat, q50, scale] of one window, from the rows of the members."""
    forecasts = model.combine(rows.select("model", *MEMBER)).select(*KEY, "yhat", "q50")
    scales = model.combine(rows.with_columns(yhat="scale").select("model", *MEMBER)).select(*KEY, scale="yhat")
    return forecasts.join(scales, on=KEY)


def _sums(backtests: pl.DataFrame, combined: pl.DataFrame, memberships: pl.DataFrame) -> list[pl.DataFrame]:
    """[unique_id, ds, cutoff, grain, yhat]: the sums of the series of every aggregate, over days with an observed y."""
    seen = backtests.filter(pl.col("grain") == "series", pl.col("y").is_not_null()).select(*KEY, "cutoff").unique()
    rows = combined.select(*KEY, "cutoff", "yhat").join(seen, on=[*KEY, "cutoff"], how="semi")
    rows = rows.join(memberships, on="unique_id")
    return [
        rows.group_by("ds", "cutoff", unique_id=pl.col(grain)).agg(pl.col("yhat").sum(), grain=pl.lit(grain))
        for grain in memberships.columns[1:]
    ]
