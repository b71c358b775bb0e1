"""Days on which a whole unit (all series of a store, say, or of the job) that nearly always sells sold nothing.

A day is judged by earlier days of the same weekday only, so what is said of it holds for ever, for cuts and for the
sums of groups alike; a unit that rests every Sunday is not taken for closed on Sundays.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.features.groups import Level, group_label

PHASES, FEWEST = 8, 4
"""A day is compared with the last 8 of the same phase (weekday), of which 4 must be there. A closure of more than four
weeks is therefore believed in the end: from then on its zeros are observed ones."""
SPREAD = 0.1
IMPROBABLE = 1e-4
"""Zero is improbable when a negative binomial with the usual sales as mean and variance m + 0.1 m^2 says so: from
about 15 units on."""
OFTEN = 0.25
"""A unit that sold nothing on more than this share of the days of a quarter does not nearly always sell."""
EPOCH = date(1970, 1, 1)


def closing_levels(config: Config) -> tuple[Level, ...]:
    """The levels whose groups close together: clean.closed_by one by one, or those of the aggregation."""
    return tuple((column,) for column in config.clean.closed_by) or config.levels_of_aggregation


def infer_closings(sums: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[group, ds] of the days on which a group seems to have been closed; `sums` holds group, ds, y_sum, y_count."""
    season = config.frequency.season
    phase = config.frequency.steps(pl.lit(EPOCH), pl.col("ds")) % season if _has_phases(config) else pl.lit(0)
    days = sums.with_columns(_phase=phase).sort("group", "ds")
    sold = pl.col("y_sum")
    usual = sold.rolling_median(PHASES, min_samples=FEWEST).shift(1).over("group", "_phase")
    days = days.with_columns(_usual=usual)
    odd = (sold == 0) & ((1 + SPREAD * pl.col("_usual")) ** (-1 / SPREAD) <= IMPROBABLE)
    days = days.with_columns(_odd=odd.fill_null(value=False))
    share = pl.col("_odd").cast(pl.Float64).rolling_mean(config.frequency.level_window, min_samples=1).over("group")
    return days.filter(pl.col("_odd"), share <= OFTEN).select("group", "ds")


def _has_phases(config: Config) -> bool:
    """Whether a season is shorter than the year, so that its phases come often enough to be compared."""
    return config.frequency.season < config.frequency.year


def mark_closings(rows: pl.DataFrame, closed: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows in which the zeros of closed units ([group, ds]) are not observed and flagged inferred_closed."""
    if closed.is_empty():
        return rows
    names = [group_label(level).alias(f"_unit_{i}") for i, level in enumerate(closing_levels(config))]
    named = rows.with_columns(names)
    hits = []
    for i in range(len(names)):
        key = closed.select(pl.col("group").alias(f"_unit_{i}"), "ds", pl.lit(value=True).alias(f"_shut_{i}"))
        named = named.join(key, on=[f"_unit_{i}", "ds"], how="left", maintain_order="left")
        hits.append(pl.col(f"_shut_{i}").fill_null(value=False))
    shut = pl.any_horizontal(hits) & (pl.col("y") == 0)
    return named.with_columns(
        y=pl.when(shut).then(None).otherwise("y"),
        flag=pl.when(shut).then(pl.lit("inferred_closed")).otherwise("flag"),
    ).select(rows.columns)
