"""Ensembles made anew of stored rows of their members: `replay` and `combine_medians` take rows and return them.

`replay` gives past windows as the ensembles of today would have forecast them. Weights are learned as windows come in:
in the oldest windows all members still weighed the same, naive ones included. Bounds made of what was forecast then
would be those of a model that no longer exists, and far too wide.

`combine_medians` gives ensembles the median that their members' calibrated rows make: a combination that gives one
member all the weight has that member's median or forecast, which a correction of its own would undo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import polars as pl

from forecasting.data.panel import KEY
from forecasting.features.groups import GROUP_AT
from forecasting.models.base import Fitted
from forecasting.models.ensemble import MEMBER, FittedEnsemble

ROW = (*KEY, "cutoff", "grain")


def replay(
    rows: pl.DataFrame, backtests: pl.LazyFrame, model: Fitted | None, memberships: Callable[[], pl.DataFrame]
) -> pl.DataFrame:
    """The backtest `rows` of one model as it would forecast them today: those of an ensemble of single series are
    combined again from the rows of its members in `backtests`, those of other models stay.

    yhat, q50 and scale (the error to expect, combined as the forecasts are) are replaced, and yhat of the aggregates,
    which are the sums; `memberships` gives [unique_id, columns of group_columns], the aggregates of each series. Rows
    without rows of members stay as they are. One window is in memory at a time.
    """
    if not isinstance(model, FittedEnsemble) or rows.is_empty():
        return rows
    windows = rows["cutoff"].unique(maintain_order=True).to_list()
    parts = [part for at in windows for part in _window(backtests.filter(pl.col("cutoff") == at), model, memberships)]
    if not parts:
        return rows
    made = pl.concat(parts, how="diagonal").with_columns(pl.col("cutoff").cast(pl.Date))
    both = rows.join(made, on=ROW, how="left", suffix="_new", maintain_order="left")
    values = [c for c in ("yhat", "q50", "scale") if c in rows.columns]
    return both.with_columns(pl.coalesce(f"{c}_new", c).alias(c) for c in values).select(rows.columns)


def _window(
    backtests: pl.LazyFrame, model: FittedEnsemble, memberships: Callable[[], pl.DataFrame]
) -> list[pl.DataFrame]:
    """[unique_id, ds, cutoff, grain, yhat, and of series q50 and scale] of one window; nothing without members."""
    mine = pl.col("model").is_in([m.name for m in model.members]) & (pl.col("grain") == "series")
    # rows older than the column `step` are counted by their days
    step = pl.coalesce("step", pl.col("ds").rank("dense").cast(pl.Int32))
    members = backtests.filter(mine).select(*MEMBER, "q50", "cutoff", "model", "scale", "y", step=step).collect()
    if members.is_empty():
        return []
    forecasts = model.combine(members.select("model", "step", "q50", "scale", *MEMBER))
    combined = forecasts.select(*KEY, "yhat", "q50", "scale", cutoff=pl.lit(members["cutoff"][0]))
    series = combined.with_columns(grain=pl.lit("series"))
    return [series, *_sums(members, combined, memberships())]


def _sums(members: pl.DataFrame, combined: pl.DataFrame, memberships: pl.DataFrame) -> list[pl.DataFrame]:
    """[unique_id, ds, cutoff, grain, yhat]: the sums of the series of every aggregate, over days with an observed y."""
    observed = members.filter(pl.col("y").is_not_null()).select(KEY).unique()
    rows = combined.select(*KEY, "cutoff", "yhat").join(observed, on=KEY, how="semi").join(memberships, on="unique_id")
    return [
        rows.group_by("ds", "cutoff", unique_id=pl.col(c)).agg(
            pl.col("yhat").sum(), grain=pl.lit(c.removeprefix(GROUP_AT))
        )
        for c in memberships.columns[1:]
    ]


def combine_medians(rows: pl.DataFrame, fitted: Iterable[Fitted], levels: Sequence[int]) -> pl.DataFrame:
    """The rows, in their order, with q50 of the ensembles among the `fitted` models as their members' rows of the same
    period make it, moved into the narrowest interval of the `levels`.

    `rows` are calibrated ones of all members; an ensemble without rows of its members keeps its median.
    """
    ensembles = [model for model in fitted if isinstance(model, FittedEnsemble)]
    if not ensembles or rows.is_empty():
        return rows
    used = rows.select(*MEMBER, "q50", "step", "model")
    made = [model.combine(used).select(*KEY, model=pl.lit(model.name), _median="q50") for model in ensembles]
    found = rows.join(pl.concat(made), on=[*KEY, "model"], how="left", maintain_order="left")
    within = pl.col("_median").clip(pl.col(f"lo-{min(levels)}"), pl.col(f"hi-{min(levels)}"))
    return found.with_columns(q50=pl.coalesce(within, "q50")).drop("_median")
