"""Unfinished periods: `unfinished_periods` takes the days of regular rows and returns the first and last period that
they do not cover to its end, so that its sum is too low.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.data.sources.periods.edges import partial_periods
from forecasting.frequency import FREQS, Frequency

TIME_OF_DAY = "time of day"
EARLY, LATE = 0.05, 0.95
"""A last day that ends before nearly all others do is not over; likewise a first one that begins late."""


def unfinished_periods(days: pl.Series, times: pl.DataFrame | None, unit: str, frequency: Frequency) -> list[date]:
    """The starts of the first and the last period where they are unfinished.

    `days` are the sorted, unique days of rows with sales, `times` [day, minute of the day] of each such row where rows
    have times, and `unit` is what a row is about.
    """
    cut = _unfinished_days(times) if times is not None and times.height else []
    if frequency.days == 1:
        return cut
    whole = days.filter(~days.is_in(cut))
    if unit in (TIME_OF_DAY, "day"):
        return partial_periods(whole, frequency.every, "monday") or []
    months = next(f.months for f in FREQS.values() if f.unit == unit)
    starts = whole.to_frame("day").group_by(pl.col("day").dt.truncate(frequency.every)).len().sort("day")
    edges = pl.concat([starts.head(1), starts.tail(1)]).unique()
    return edges.filter(pl.col("len") < frequency.months // months)["day"].sort().to_list()


def _unfinished_days(times: pl.DataFrame) -> list[date]:
    """The last day when its last time is earlier than nearly all last times, the first one when it begins late."""
    day, minute = times.columns
    ends = times.group_by(day).agg(first=pl.col(minute).min(), last=pl.col(minute).max()).sort(day)
    if ends.height < 3:
        return []
    inner = ends.slice(1, ends.height - 2)
    begins_late = ends["first"][0] > inner["first"].quantile(LATE, "nearest")
    ends_early = ends["last"][-1] < inner["last"].quantile(EARLY, "nearest")
    found = [(ends[day][0], begins_late), (ends[day][-1], ends_early)]
    return [one for one, unfinished in found if unfinished]
