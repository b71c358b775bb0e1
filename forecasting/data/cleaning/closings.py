"""Inferred closings: days on which a group of series (a store, say) that nearly always sells sold nothing at all.

`infer_closings` takes rows of the table `groups` and returns the closed [group, ds]; `mark_closings` returns the rows
of the panel with y null and the flag inferred_closed on these days. A day is judged by earlier days of the same weekday
only, so the result never changes: it is the same for every cutoff and for the sums of groups. A store that rests every
Sunday is not taken for closed on Sundays.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.features.groups import Level, group_label

PHASES, FEWEST = 8, 4
"""A day is compared with the last 8 of the same phase (weekday), of which 4 must exist. A closure of more than four
weeks therefore becomes the new level: from then on its zeros are observed ones."""
SPREAD = 0.1
IMPROBABLE = 1e-4
"""The probability below which a zero is improbable, under a negative binomial with the usual sales as mean m and the
variance m + 0.1 m^2: from about 15 units on."""
OFTEN = 0.25
"""A group with improbable zeros on more than this share of the days of a quarter does not nearly always sell."""
EPOCH = date(1970, 1, 1)


def closing_levels(config: Config) -> tuple[Level, ...]:
    """The levels whose groups close together: each column of clean.closed_by, else the levels of aggregation."""
    return tuple((column,) for column in config.clean.closed_by) or config.levels_of_aggregation


def infer_closings(sums: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[group, ds] of the days on which a group was closed, as far as its sales tell; `sums` are rows of `groups`."""
    season = config.frequency.season
    phase = config.frequency.steps(pl.lit(EPOCH), pl.col("ds")) % season if _has_seasonal_phases(config) else pl.lit(0)
    days = sums.with_columns(_phase=phase).sort("group", "ds")
    sold = pl.col("y_sum")
    usual = sold.rolling_median(PHASES, min_samples=FEWEST).shift(1).over("group", "_phase")
    days = days.with_columns(_usual=usual)
    odd = (sold == 0) & ((1 + SPREAD * pl.col("_usual")) ** (-1 / SPREAD) <= IMPROBABLE)
    days = days.with_columns(_odd=odd.fill_null(value=False))
    share = pl.col("_odd").cast(pl.Float64).rolling_mean(config.frequency.level_window, min_samples=1).over("group")
    return days.filter(pl.col("_odd"), share <= OFTEN).select("group", "ds")


def _has_seasonal_phases(config: Config) -> bool:
    """Whether a season is shorter than a year, so that its phases recur often enough to be compared."""
    return config.frequency.season < config.frequency.year


def mark_closings(rows: pl.DataFrame, closed: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows of the panel in which zeros of closed groups ([group, ds]) are null and flagged inferred_closed."""
    if closed.is_empty():
        return rows
    labels = [group_label(level).alias(f"_group_{i}") for i, level in enumerate(closing_levels(config))]
    marked = rows.with_columns(labels)
    closed_by_level = []
    for i in range(len(labels)):
        key = closed.select(pl.col("group").alias(f"_group_{i}"), "ds", pl.lit(value=True).alias(f"_closed_{i}"))
        marked = marked.join(key, on=[f"_group_{i}", "ds"], how="left", maintain_order="left")
        closed_by_level.append(pl.col(f"_closed_{i}").fill_null(value=False))
    is_closed = pl.any_horizontal(closed_by_level) & (pl.col("y") == 0)
    return marked.with_columns(
        y=pl.when(is_closed).then(None).otherwise("y"),
        flag=pl.when(is_closed).then(pl.lit("inferred_closed")).otherwise("flag"),
    ).select(rows.columns)
