"""Group priors: how the groups of a series (all series, its store, ...) sold of late and a year ago, as ratios.

`priors` takes rows of the table `groups` [group, ds, y_sum, y_count] and returns [group, ds, now, trend, season];
`levels` takes the config and the panel's schema and returns the groupings; `features` lists the joined columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import polars as pl

from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.features.base import Feature, Lead, ratio
from forecasting.features.joined_names import join_labels, label_name

Level = tuple[str, ...]
"""The columns whose values make a group; () is the group of all series."""
PRIORS = ("now", "trend", "season")
"""The ratios of a group; see `priors`."""


OTHER_GRAINS = ("series", "total", "all")
"""Grains that are no columns: single series, all series together, and scores over all grains."""


def grain(level: Level) -> str:
    """The name of an aggregation level, the `grain` of its rows: total, store, store/category.

    A column that is called like another kind of rows is set apart by an equals sign, as its values in labels are.
    """
    name = "/".join(label_name(user_name(c)) for c in level)
    return f"{name}=" if name in OTHER_GRAINS else name or "total"


GROUP_AT = "group at "
"""Before a grain: the column that holds the group of each series at this grain."""


def group_columns(levels: Iterable[Level]) -> dict[str, pl.Expr]:
    """The group of each series at every level, by the name of the column that holds it: GROUP_AT and the grain."""
    return {f"{GROUP_AT}{grain(level)}": group_label(level) for level in levels}


def group_label(level: Level) -> pl.Expr:
    """The name of a group of this level, by row: total, or store_type=a, or store=S1/category=food."""
    if not level:
        return pl.lit("total")
    return join_labels({user_name(c): pl.col(c).fill_null("none") for c in level})


def levels(config: Config, schema: Mapping[str, pl.DataType]) -> list[Level]:
    """The groupings of the table `groups`: all series, each static text column, and the levels of aggregation.

    Those that need a column missing from `schema` (name: type) are left out.
    """
    texts = [(c,) for c in config.static_columns if schema.get(c) == pl.String]
    every = dict.fromkeys([(), *texts, *config.levels_of_aggregation])
    return [level for level in every if all(c in schema for c in level)]


def prior_names(group: str) -> list[str]:
    """Names of the features of one grouping; `Features.prepare` joins each with an underscore before it."""
    return [f"{group}_{prior}" for prior in PRIORS]


def priors(groups: pl.DataFrame, config: Config, most: int, end: date) -> pl.DataFrame:
    """[group, ds, now, trend, season]: one row per group and period up to `end`, as ratios of mean sales.

    `now`: the last short window over the last long one (91 days, 26 weeks, 12 months); `trend`: the long one over that
    a year ago, both as known on the day; `season`: the periods around the same phase a year ago over the long window
    around it, at least `most` periods back. `groups` are rows of the table `groups`.
    """
    f = config.frequency
    short, long = f.windows[0], f.level_window
    year = f.year * -(-(most + max(short, long // 2)) // f.year)  # the quarter around it must be known as well
    grid = _on_calendar(groups, config, end).sort("group", "ds")
    mean = pl.col("y_sum") / pl.col("y_count")

    def over(window: int, lag: int) -> pl.Expr:
        return mean.rolling_mean(window, min_samples=1).shift(lag).over("group")

    level, before = over(long, 0), over(long, f.year)
    seasonal = ratio(over(short, year - short // 2), over(long, year - long // 2))
    return grid.select("group", "ds", now=ratio(over(short, 0), level), trend=ratio(level, before), season=seasonal)


def _on_calendar(groups: pl.DataFrame, config: Config, end: date) -> pl.DataFrame:
    """[group, ds, y_sum, y_count] without gaps up to `end`; null where nothing was observed."""
    span = groups.filter(pl.col("ds") <= end).group_by("group").agg(pl.col("ds").min().alias("_first"))
    ds = pl.date_ranges("_first", pl.lit(end), interval=config.freq).alias("ds")
    grid = span.select("group", ds).explode("ds")
    return grid.join(groups.select("group", "ds", "y_sum", "y_count"), on=["group", "ds"], how="left")


def features(levels: tuple[Level, ...], lead: Lead) -> list[Feature]:
    """The prior columns that `Features.prepare` joins for each level, `now` and `trend` as known at the lead."""
    made = []
    for level in levels:
        now, trend, season = (pl.col(f"_{name}") for name in prior_names(grain(level)))
        exprs = (lead.back(now), lead.back(trend), season)
        far = (lead.most, lead.most, 0)
        made += [Feature(*each) for each in zip(prior_names(grain(level)), exprs, far, strict=True)]
    return made
