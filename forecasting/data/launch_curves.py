"""Launch curves: how series that began within the history sold at each age, relative to what they sold later.

`launch_curves_at` takes a Cut (what was known on a cutoff) and returns [group, age, factor, size];
`early_sales_ratios` returns one number per launch: its early sales relative to the curve. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.data.cleaning import stable_y
from forecasting.data.cut import Cut
from forecasting.features.groups import Level, group_label, levels

MIN_LAUNCHES = 5
"""A group needs this many launches for a curve of its own."""
PRIOR_LAUNCHES = 5.0
"""A curve is shrunk towards 1 as if this many launches had sold at their later level from the first day."""
LAUNCHES = "launches"
"""The name of the frame that is shared by a cut."""
SCHEMA = {"group": pl.String, "age": pl.Int32, "factor": pl.Float64, "size": pl.UInt32}


def launch_curves_at(cut: Cut) -> pl.DataFrame:
    """The launch curves of a cut, rows as of `fit_launch_curves`, fitted when first needed and kept with it."""
    return cut.shared("launch curves", partial(fit_launch_curves, cut))


def fit_launch_curves(cut: Cut) -> pl.DataFrame:
    """[group, age, factor, size]: sales `age` periods after the first observed one in multiples of the later level.

    Fitted on the `size` series of a group that were first observed well after the panel's first day: their first
    `ramp_periods` periods against as many that follow, all up to the cutoff. Sales are measured in units of what the
    older series sell on the same day, so that seasons and weekdays stay out. No row where launches are too few.
    """
    if cut.groups.is_empty():  # aggregates are never new
        return pl.DataFrame(schema=SCHEMA)
    rows = cut.shared(LAUNCHES, partial(_launch_rows, cut))
    every = levels(cut.config, rows.schema)
    return pl.concat([_curves_of_level(rows.drop_nulls(list(level)), level) for level in every]).sort("group", "age")


def early_sales_ratios(cut: Cut) -> pl.Series:
    """The ratios of what each launch sold in its first periods to what it would have sold on the curve of all launches
    and its own later level; one number per launch, sorted by unique_id.
    """
    curve = launch_curves_at(cut).filter(pl.col("group") == group_label(())).select("factor", _age="age")
    rows = cut.shared(LAUNCHES, partial(_launch_rows, cut)).join(curve, on="_age")
    share = pl.col("y").sum() / (pl.col("_due") * pl.col("factor")).sum()
    return rows.group_by("unique_id").agg(share=share).filter(pl.col("share").is_finite()).sort("unique_id")["share"]


def _launch_rows(cut: Cut) -> pl.DataFrame:
    """The rows of the first `ramp_periods` of all launches, with _age and _due (see `_add_due`)."""
    begun, panel = cast("tuple[date, date]", launch_days(cut)), cut.panel.part_of or cut.panel
    return _joined_launches(cut, [launches_in(cut, begun, panel.scan(b)) for b in panel.buckets])


def keep_launches(cut: Cut, parts: Sequence[Sequence[pl.DataFrame]]) -> None:
    """Keep the launches with the cut, from `launches_in` all buckets, which a walk has made anyway."""
    cut.shared(LAUNCHES, partial(_joined_launches, cut, parts))


def _joined_launches(cut: Cut, parts: Sequence[Sequence[pl.DataFrame]]) -> pl.DataFrame:
    usual = pl.concat(old for old, _ in parts).group_by("ds").agg(_usual=pl.col("y").sum() / pl.col("n").sum())
    return _add_due(pl.concat(launched for _, launched in parts).join(usual, on="ds"), ramp_periods(cut.config))


def launch_days(cut: Cut) -> tuple[date, date] | None:
    """The last first day of series that are no launches, and of those whose launch is over; None for aggregates."""
    if cut.groups.is_empty():
        return None
    ramp, frequency = ramp_periods(cut.config), cut.config.frequency
    return frequency.shift(cast(date, cut.groups["ds"].min()), ramp), frequency.shift(cut.cutoff, 1 - 2 * ramp)


def launches_in(cut: Cut, begun: tuple[date, date], rows: pl.LazyFrame) -> list[pl.DataFrame]:
    """Two frames of the rows of a bucket, as the panel or a cut has them: [ds, y, n], sums and counts of the series
    that began up to the first of two days, and the rows up to an age of two ramps, with _age, of the series that began
    later, up to the second day.
    """
    there = rows.collect_schema()
    statics = [c for c in cut.config.static_columns if c in there]
    history = rows.filter(pl.col("ds") <= cut.cutoff).select("unique_id", "ds", stable_y(), *statics)
    observed = history.filter(pl.col("y").is_not_null()).collect()
    since = observed.with_columns(_since=pl.col("ds").min().over("unique_id"))
    older = since.lazy().filter(pl.col("_since") <= begun[0])
    old = older.group_by("ds").agg(y=pl.col("y").sum(), n=pl.len()).collect()
    late = since.filter(pl.col("_since").is_between(*begun, closed="right"))
    aged = late.with_columns(_age=cut.config.frequency.steps(pl.col("_since"), pl.col("ds")))
    return [old, aged.filter(pl.col("_age") < 2 * ramp_periods(cut.config))]


def ramp_periods(config: Config) -> int:
    """The age in periods from which a series is no longer new: four weeks of days, a quarter of weeks, half a year of
    months.
    """
    return config.frequency.windows[1]


def _add_due(rows: pl.DataFrame, ramp: int) -> pl.DataFrame:
    """The rows of the first ramp, with _due: what the series would have sold at its later level."""
    later = pl.col("_age") >= ramp
    level = pl.col("y").filter(later).sum() / pl.col("_usual").filter(later).sum()
    early = rows.with_columns(_due=level.over("unique_id") * pl.col("_usual")).filter(~later)
    return early.filter(pl.col("_due") > 0, pl.col("_due").is_finite())


def _curves_of_level(rows: pl.DataFrame, level: Level) -> pl.DataFrame:
    """The curves of the groups of one level, shrunk towards 1 the more the fewer launches there are."""
    grouped = rows.with_columns(group_label(level).alias("group"))
    grouped = grouped.with_columns(size=pl.col("unique_id").n_unique().over("group"))
    grouped = grouped.filter(pl.col("size") >= MIN_LAUNCHES)
    factor = (pl.len() * pl.col("y").sum() / pl.col("_due").sum() + PRIOR_LAUNCHES) / (pl.len() + PRIOR_LAUNCHES)
    curves = grouped.group_by("group", age="_age").agg(factor=factor, size=pl.col("size").first())
    return curves.select(pl.col(c).cast(kind) for c, kind in SCHEMA.items())
