"""Priors of a series' groups (all series, its store, its item, ...): what they sold lately and a year ago."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.features.base import Context, Feature, ratio

Level = tuple[str, ...]


def grain(level: Level) -> str:
    """What the rows of an aggregation level are called: total, store, store/category."""
    return "/".join(level) or "total"


def group_label(level: Level) -> pl.Expr:
    """The name of an aggregate: total, or store_type=a, or store=S1/category=food."""
    if not level:
        return pl.lit("total")
    return pl.concat_str([pl.format("{}={}", pl.lit(c), pl.col(c).fill_null("none")) for c in level], separator="/")


def levels(config: Config, kinds: Mapping[str, pl.DataType]) -> list[Level]:
    """The groupings of the table `groups`, as far as there are columns (`kinds`: their types) to tell them: all series,
    those of each static text, and the levels of aggregation.
    """
    texts = [(c,) for c in config.static_columns if kinds.get(c) == pl.String]
    every = dict.fromkeys([(), *texts, *config.levels_of_aggregation])
    return [level for level in every if all(c in kinds for c in level)]


def columns(group: str) -> list[str]:
    """Names of the prior columns of one grouping."""
    return [f"{group}_{what}" for what in ("now", "trend", "season")]


def priors(groups: pl.DataFrame, config: Config, lead: int, end: date) -> pl.DataFrame:
    """Per group and ds (up to `end`): mean sales of the last short window over those of the
    last quarter (`now`), of the quarter over the same quarter a year ago (`trend`), and of the days around the same
    phase a year ago over that year's quarter (`season`). Read from the table `groups`, at least `lead` periods back.
    """
    f = config.frequency
    short, long = f.windows[0], f.level_window
    year = f.year * -(-(lead + max(short, long // 2)) // f.year)  # the quarter around it must be over, too
    grid = _complete(groups, config, end).sort("group", "ds")
    mean = pl.col("y_sum") / pl.col("y_count")

    def over(window: int, lag: int) -> pl.Expr:
        return mean.rolling_mean(window, min_samples=1).shift(lag).over("group")

    level, before = over(long, lead), over(long, lead + f.year)
    seasonal = ratio(over(short, year - short // 2), over(long, year - long // 2))
    return grid.select("group", "ds", now=ratio(over(short, lead), level), trend=ratio(level, before), season=seasonal)


def _complete(groups: pl.DataFrame, config: Config, end: date) -> pl.DataFrame:
    """The groups on a whole calendar up to `end`; empty periods where nothing was observed."""
    span = groups.filter(pl.col("ds") <= end).group_by("group").agg(pl.col("ds").min().alias("_first"))
    ds = pl.date_ranges("_first", pl.lit(end), interval=config.freq).alias("ds")
    grid = span.select("group", ds).explode("ds")
    return grid.join(groups.select("group", "ds", "y_sum", "y_count"), on=["group", "ds"], how="left")


def features(context: Context, levels: tuple[Level, ...]) -> list[Feature]:
    """The prior columns that `Features.prepare` has joined for each level."""
    return [Feature(c, pl.col(c)) for level in levels for c in columns(grain(level))]
