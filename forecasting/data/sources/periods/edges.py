"""Where periods begin and which are covered in part: `first_day_of_period` maps days to the start of their period.

Weeks begin on any weekday. `partial_periods` takes days and returns the starts of a first or last period that they
cover only in part, and `is_partial` a mask of the days in such periods.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TRADING_SHARE = 0.5
"""A weekday with lines in at least this share of the weeks is a trading day."""


def first_day_of_period(ds: pl.Expr, freq: str, week: str) -> pl.Expr:
    """The first day of the period of each day; weeks begin on the weekday `week` (monday, ...)."""
    if freq == "1d":
        return ds
    shift = f"{WEEKDAYS.index(week)}d" if freq == "1w" else "0d"
    return ds.dt.offset_by(f"-{shift}").dt.truncate(freq).dt.offset_by(shift)


def is_partial(days: pl.Series, freq: str, week: str) -> pl.Series:
    """Whether each day lies in the first or last period and the data do not cover a trading day of that period."""
    partial = partial_periods(days.unique().sort(), freq, week)
    return pl.select(first_day_of_period(pl.lit(days), freq, week).is_in(partial)).to_series()


def partial_periods(days: pl.Series, freq: str, week: str) -> list[date]:
    """The starts of the first and last period when one lacks a trading day before or after the sorted, unique days."""
    if not len(days):
        return []
    first, last = days[0], days[-1]
    edges = pl.DataFrame({"ds": [first, last]}, schema={"ds": pl.Date})
    first_period, last_period = edges.select(first_day_of_period(pl.col("ds"), freq, week)).to_series()
    end = pl.select(pl.lit(last_period).dt.offset_by(freq)).item()
    missing = [
        (first_period, _weekdays_between(first_period, first)),
        (last_period, _weekdays_between(last + timedelta(1), end)),
    ]
    trading = _trading_weekdays(days)
    return list(dict.fromkeys(start for start, weekdays in missing if weekdays & trading))


def _trading_weekdays(days: pl.Series) -> set[int]:
    """The weekdays (Monday 0) that have lines in most weeks; `days` are sorted and unique."""
    weeks = (days[-1] - days[0]).days / 7
    counts = days.dt.weekday().value_counts().iter_rows()
    return {day - 1 for day, n in counts if n >= TRADING_SHARE * weeks}


def _weekdays_between(start: date, end: date) -> set[int]:
    """The weekdays from `start` to the day before `end`."""
    return {(start + timedelta(i)).weekday() for i in range(min(7, (end - start).days))}
