"""The history that the response is learned from: `learn_levers` takes a Cut and returns the table `levers`.

It reads the days up to the cutoff, bucket by bucket, with the columns that are needed; of a long panel the newest ones.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.data.buckets import collect_each
from forecasting.data.cut import Cut, frame_once
from forecasting.data.schemas.lever_table import LEVERS
from forecasting.planning.response.levers import lever_columns
from forecasting.planning.response.table import estimate_levers

MOST_ROWS = 1_500_000
"""Rows that the estimate takes: less than a minute of a processor (a fortieth of a second per thousand rows) and a
gigabyte."""
LEAST_YEARS = 2.0
"""So much of the newest history is taken of every series, and then of fewer series where that is too much."""


def learn_levers(cut: Cut) -> pl.DataFrame:
    """The table `levers` of what was known at the cutoff: no rows for a config without levers."""
    config = cut.config
    levers = lever_columns(config)
    if not levers:
        return pl.DataFrame(schema=LEVERS)
    counts = pl.concat(collect_each([_counts(cut, bucket) for bucket in cut.panel.buckets]))
    if counts.is_empty():
        return pl.DataFrame(schema=LEVERS)
    first, every = newest_history(counts, config.frequency.training_periods(LEAST_YEARS))
    columns = dict.fromkeys(("unique_id", "ds", "y", *levers, *config.static_columns))
    mine = pl.col("ds").is_between(first, cut.cutoff)
    if every > 1:
        mine &= pl.col("unique_id").is_in(_every(cut, first, every).implode())
    parts = []
    for bucket in cut.panel.buckets:
        frame = frame_once(cut, bucket)
        parts.append(frame.filter(mine).select(c for c in columns if c in frame.columns))
    return estimate_levers(config, pl.concat(parts), every)


def _every(cut: Cut, first: date, every: int) -> pl.Series:
    """Every so many of the series that have rows from a day up to the cutoff, in the order of their names."""
    days = pl.col("ds").is_between(first, cut.cutoff)
    ids = [cut.panel.scan(bucket).filter(days).select(pl.col("unique_id").unique()) for bucket in cut.panel.buckets]
    return pl.concat(collect_each(ids)).to_series().sort().gather_every(every, every - 1)


def newest_history(counts: pl.DataFrame, least: int) -> tuple[date, int]:
    """The first period to take, and every how many series: of [ds, n] rows in each period, as many of the newest
    periods as MOST_ROWS allow, but at least so many, of fewer series where that is too much.

    >>> day = date(2026, 1, 5)
    >>> newest_history(pl.DataFrame({"ds": [day, date(2026, 1, 6)], "n": [MOST_ROWS, MOST_ROWS]}), 2)
    (datetime.date(2026, 1, 5), 2)
    >>> newest_history(pl.DataFrame({"ds": [day, date(2026, 1, 6)], "n": [MOST_ROWS, MOST_ROWS]}), 1)
    (datetime.date(2026, 1, 6), 1)
    """
    periods = counts.group_by("ds").agg(pl.col("n").sum()).sort("ds", descending=True)
    newest = periods.with_columns(pl.col("n").cum_sum())
    kept = max(newest.filter(pl.col("n") <= MOST_ROWS).height, min(least, newest.height))
    return newest["ds"][kept - 1], -(-int(newest["n"][kept - 1]) // MOST_ROWS)


def _counts(cut: Cut, bucket: int) -> pl.LazyFrame:
    """[ds, n] of the observed rows of a bucket."""
    known = cut.panel.scan(bucket).filter(pl.col("ds") <= cut.cutoff, pl.col("y").is_not_null())
    return known.group_by("ds").agg(n=pl.len())
