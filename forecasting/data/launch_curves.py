"""How series begin: what those launched within the history sold at each age against what they sold later."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.data.cleaning import stable_y
from forecasting.data.cut import Cut
from forecasting.features.groups import Level, group_label, levels

MIN_LAUNCHES = 5
"""So many launches must be known in a group for a curve of its own."""
PRIOR_LAUNCHES = 5.0
"""So many launches without any curve count beside those of a group."""
SCHEMA = {"group": pl.String, "age": pl.Int32, "factor": pl.Float64, "size": pl.UInt32}


def launch_curves_at(cut: Cut) -> pl.DataFrame:
    """The launch curves of a cut (see `fit_launch_curves`), fitted when they are first needed and then kept with it."""
    return cut.kept("launch curves", partial(fit_launch_curves, cut))


def fit_launch_curves(cut: Cut) -> pl.DataFrame:
    """[group, age, factor, size]: sales `age` periods after the first observed one in multiples of the later level.

    Fitted on the `size` series of a group that were first observed well after the panel's first day: their first
    `ramp_periods` periods against as many that follow, all up to the cutoff. Sales are measured in units of what the
    older series sell on the same day, so that seasons and weekdays stay out. No row where launches are too few.
    """
    if cut.panel.groups.is_empty():  # aggregates are never new
        return pl.DataFrame(schema=SCHEMA)
    rows = cut.kept("launched", partial(_launched, cut))
    every = levels(cut.config, rows.schema)
    return pl.concat([_curves(rows.drop_nulls(list(level)), level) for level in every]).sort("group", "age")


def early_sales_ratios(cut: Cut) -> pl.Series:
    """What each of the launches known at the cutoff sold in its first periods, in multiples of what the curve of all
    launches and its own later level would have made it sell.
    """
    curve = launch_curves_at(cut).filter(pl.col("group") == group_label(())).select("factor", _age="age")
    rows = cut.kept("launched", partial(_launched, cut)).join(curve, on="_age")
    share = pl.col("y").sum() / (pl.col("_due") * pl.col("factor")).sum()
    return rows.group_by("unique_id").agg(share=share).filter(pl.col("share").is_finite()).sort("unique_id")["share"]


def _launched(cut: Cut) -> pl.DataFrame:
    """The first rows of all launches, with their age and what was due (see `_due`)."""
    panel, ramp, frequency = cut.panel.whole or cut.panel, ramp_periods(cut.config), cut.config.frequency
    begun = (frequency.shift(cast(date, panel.groups["ds"].min()), ramp), frequency.shift(cut.cutoff, 1 - 2 * ramp))
    parts = [_sold(cut, panel.scan(bucket), begun) for bucket in panel.buckets]
    usual = pl.concat(old for old, _ in parts).group_by("ds").agg(_usual=pl.col("y").sum() / pl.col("n").sum())
    return _due(pl.concat(young for _, young in parts).join(usual, on="ds"), ramp)


def _sold(cut: Cut, rows: pl.LazyFrame, begun: tuple[date, date]) -> list[pl.DataFrame]:
    """Of one bucket: what series sold by ds that began up to the first of two days, and the first rows, with their age,
    of those that began after it, up to the second one.
    """
    statics = [c for c in cut.config.static_columns if c in rows.collect_schema()]
    told = rows.filter(pl.col("ds") <= cut.cutoff).select("unique_id", "ds", stable_y(), *statics)
    known = told.filter(pl.col("y").is_not_null())
    since = known.with_columns(_since=pl.col("ds").min().over("unique_id"))
    old = since.filter(pl.col("_since") <= begun[0]).group_by("ds").agg(y=pl.col("y").sum(), n=pl.len())
    late = since.filter(pl.col("_since").is_between(*begun, closed="right"))
    aged = late.with_columns(_age=cut.config.frequency.steps(pl.col("_since"), pl.col("ds")))
    return pl.collect_all([old, aged.filter(pl.col("_age") < 2 * ramp_periods(cut.config))])


def ramp_periods(config: Config) -> int:
    """The age from which a series is no longer new: four weeks of days, a quarter of weeks, half a year of months."""
    return config.frequency.windows[1]


def _due(rows: pl.DataFrame, ramp: int) -> pl.DataFrame:
    """The rows of the first periods, with `_due`: what would have been sold on the later level."""
    later = pl.col("_age") >= ramp
    level = pl.col("y").filter(later).sum() / pl.col("_usual").filter(later).sum()
    told = rows.with_columns(_due=level.over("unique_id") * pl.col("_usual")).filter(~later)
    return told.filter(pl.col("_due") > 0, pl.col("_due").is_finite())


def _curves(rows: pl.DataFrame, level: Level) -> pl.DataFrame:
    """The curves of the groups of one level, shrunk to 1 where few launches are known."""
    told = rows.with_columns(group_label(level).alias("group"))
    told = told.with_columns(size=pl.col("unique_id").n_unique().over("group")).filter(pl.col("size") >= MIN_LAUNCHES)
    factor = (pl.len() * pl.col("y").sum() / pl.col("_due").sum() + PRIOR_LAUNCHES) / (pl.len() + PRIOR_LAUNCHES)
    made = told.group_by("group", age="_age").agg(factor=factor, size=pl.col("size").first())
    return made.select(pl.col(c).cast(kind) for c, kind in SCHEMA.items())
