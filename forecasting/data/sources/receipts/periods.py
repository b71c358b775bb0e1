"""Days to periods: the first day of a week that begins on any weekday, and periods that the data cover in part."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
USUAL = 0.5
"""A weekday with lines in at least this share of the weeks is a day of trade."""


def period(ds: pl.Expr, freq: str, week: str) -> pl.Expr:
    """The first day of the period of `ds`; weeks begin on the weekday `week`."""
    if freq == "1d":
        return ds
    into = f"{WEEKDAYS.index(week)}d" if freq == "1w" else "0d"
    return ds.dt.offset_by(f"-{into}").dt.truncate(freq).dt.offset_by(into)


def is_partial(days: pl.Series, freq: str, week: str) -> pl.Series:
    """Whether each day lies in the first or the last period and a day of trade is missing there at the edge."""
    if not len(days):
        return pl.Series([], dtype=pl.Boolean)
    known, ds = days.unique().sort(), pl.col("ds")
    first, last = known[0], known[-1]
    frame = pl.DataFrame({"ds": [first, last]}, schema={"ds": pl.Date})
    start, final = frame.select(period(ds, freq, week)).to_series()
    end = pl.select(pl.lit(final).dt.offset_by(freq)).item()
    trade = _trade(known)
    cut = [
        s for s, days in ((start, _between(start, first)), (final, _between(last + timedelta(1), end))) if days & trade
    ]
    return pl.select(period(pl.lit(days), freq, week).is_in(cut)).to_series()


def _trade(known: pl.Series) -> set[int]:
    """The weekdays (Monday 0) on which there usually are lines."""
    weeks = (known[-1] - known[0]).days / 7
    counted = known.dt.weekday().value_counts().iter_rows()
    return {day - 1 for day, n in counted if n >= USUAL * weeks}


def _between(start: date, end: date) -> set[int]:
    """The weekdays from `start` to the day before `end`."""
    return {(start + timedelta(i)).weekday() for i in range(min(7, (end - start).days))}
