"""Observed sales: `read_history` takes a Session and a Selection, and returns [ds, y, promo], one row per period.

y is null where nothing was observed, and 0 in periods that the data declare closed (inferred closings stay null); rows
ahead of the last observed day are left out.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.steps.queries.selection import Selection
from forecasting.steps.session import Session


def read_history(session: Session, selection: Selection, start: date | None = None) -> pl.DataFrame:
    """[ds, y, promo]: one row per period from `start` (from the first one when None), sorted by ds.

    y is in units of the target, null where nothing was observed; closed periods count as 0, as their forecast does.
    promo is the share of the selected series on promotion, null without a promotion column and for aggregates.
    """
    since = pl.col("ds") >= start if start else pl.lit(value=True)
    if selection.kind == "group":
        return _aggregate_history(session, selection.name, since)
    panel = session.store.scan("panel", bucket=list(selection.buckets))
    rows = panel.filter(pl.col("unique_id").is_in(selection.ids) & since & (pl.col("flag") != "ahead"))
    rows = rows.with_columns(y=pl.when(pl.col("flag") == "closed").then(0.0).otherwise("y"))
    return (
        rows.group_by("ds")
        .agg(sum_observed("y"), on_promotion(session.config).mean().alias("promo"))
        .sort("ds")
        .collect()
    )


def sum_observed(column: str) -> pl.Expr:
    """The sum of a column, null (not 0) when all its values are null."""
    return pl.when(pl.col(column).count() > 0).then(pl.col(column).sum()).alias(column)


def on_promotion(config: Config) -> pl.Expr:
    """1.0 in a promotion, 0.0 outside of one, null without a promotion column.

    Texts other than "", "0", "0.0" and "false" count as a promotion.
    """
    column = config.columns.promo
    if column is None:
        return pl.lit(None, pl.Float64)
    off = pl.col(column).cast(pl.String).is_in(["", "0", "0.0", "false"])
    return (~off).cast(pl.Float64)


def _aggregate_history(session: Session, aggregate: str, since: pl.Expr) -> pl.DataFrame:
    """History of an aggregate; the table `groups` has no row for a period in which nothing was observed."""
    rows = session.store.scan("groups").filter((pl.col("group") == aggregate) & since & (pl.col("y_count") > 0))
    observed = rows.select("ds", y=pl.col("y_sum")).sort("ds").collect()
    history = observed.upsample("ds", every=session.config.freq) if observed.height else observed
    gaps = history.filter(pl.col("y").is_null())["ds"]
    if session.config.columns.open and gaps.len():
        closed = pl.col("ds").is_in(_closed_periods(session, gaps).implode())
        history = history.with_columns(y=pl.when(closed & pl.col("y").is_null()).then(0.0).otherwise("y"))
    return history.with_columns(promo=pl.lit(None, pl.Float64))


def _closed_periods(session: Session, periods: pl.Series) -> pl.Series:
    """Those of `periods` in which every series was closed."""
    rows = session.store.scan("panel").filter(pl.col("ds").is_in(periods.implode())).group_by("ds")
    return rows.agg((pl.col("flag") == "closed").all()).filter("flag").collect()["ds"]
