"""What a day, a week and a month mean for a forecaster: FREQS holds one Frequency per `freq` ("1d", "1w", "1mo").

It has the season, horizon blocks and feature windows in periods, and moves and counts dates by periods (`shift`,
`steps`, `offset`); `rhythm` takes sorted dates and returns the longest `freq` that fits, or None if they are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl


@dataclass(frozen=True)
class Frequency:
    """One period length.

    `every` is the Polars duration; `season` the usual season and `year` the year, both in periods; `first_blocks` are
    the last steps of the first horizon blocks and `block` the width of the further ones; `windows` are the lengths of
    rolling features, `level_window` the length that tells what a series does of late and `unit_window` the one by
    which its sales are measured, all in periods. `calendar` names the date features that can differ between periods,
    `events` those of own events (see features/calendar).
    """

    every: str
    season: int
    year: int
    first_blocks: tuple[int, ...]
    block: int
    windows: tuple[int, ...]
    level_window: int
    unit_window: int
    calendar: tuple[str, ...]
    events: tuple[str, ...]
    unit: str

    def blocks(self, h: int) -> tuple[int, ...]:
        """Last step of each horizon block for `h` periods; the last one is `h`."""
        further = range(self.first_blocks[-1] + self.block, h, self.block)
        return (*(end for end in (*self.first_blocks, *further) if end < h), h)

    def shift(self, day: date, periods: int) -> date:
        """The day `periods` periods after `day` (before it when negative)."""
        if self.every == "1mo":
            months = day.year * 12 + day.month - 1 + periods
            return date(months // 12, months % 12 + 1, day.day)
        return day + timedelta(days=periods * self.days)

    @property
    def days(self) -> int:
        """Days in a period (a month counts as 30, for rough sizes only)."""
        return {"1d": 1, "1w": 7, "1mo": 30}[self.every]

    def steps(self, start: pl.Expr, end: pl.Expr) -> pl.Expr:
        """Periods from `start` to `end` (Int32); both are dates on the grid."""
        if self.every == "1mo":
            months = (end.dt.year() - start.dt.year()) * 12 + end.dt.month().cast(pl.Int32) - start.dt.month()
            return months.cast(pl.Int32)
        return ((end - start).dt.total_days() // self.days).cast(pl.Int32)

    def offset(self, ds: pl.Expr, periods: pl.Expr) -> pl.Expr:
        """`ds` moved by a column of whole periods."""
        return ds.dt.offset_by(pl.format("{}" + self.every[1:], periods))

    def floor(self, ds: pl.Expr) -> pl.Expr:
        """The date that stands for the period of `ds`: months start on their first day, days and weeks stay."""
        return ds.dt.truncate("1mo") if self.every == "1mo" else ds


AROUND = ("next_holiday", "last_holiday", "next_holiday_code", "last_holiday_code")
FEASTS = ("next_feast", "last_feast", "next_payday", "last_payday")
DAY = ("weekday", "monthday", "month", "yearday", "holiday", *AROUND, "free_days", "bridge", "easter", "month_left")
WEEK = ("month", "yearweek", "monthday", "easter", "holiday_before", "holiday_after", "holiday_later")
SHARES = ("holidays_before", "holidays_after")
MONTH = ("month", "quarter", "easter_month", "easter_share", "feast_share", "workdays")

DAY_EVENTS = ("today", "day", "next", "last", "next_code", "last_code")
WEEK_EVENTS = ("before", "after", "share_before", "share_after", "next", "last")

FREQS: dict[str, Frequency] = {
    "1d": Frequency("1d", 7, 364, (1, 7, 14, 28), 14, (7, 28, 30, 91), 91, 91, (*DAY, *FEASTS), DAY_EVENTS, "day"),
    "1w": Frequency(
        "1w", 52, 52, (1, 2, 4, 8), 4, (4, 13, 26, 52), 26, 52, (*WEEK, *SHARES, *FEASTS), WEEK_EVENTS, "week"
    ),
    "1mo": Frequency("1mo", 12, 12, (1, 3, 6, 12), 6, (3, 6, 12), 12, 12, MONTH, ("share",), "month"),
}

REGULAR = 10
"""So many different dates tell a rhythm."""


def rhythm(ds: pl.Series) -> str | None:
    """The longest of FREQS on whose grid all of these sorted, different dates stand; None when they are too few."""
    if len(ds) < REGULAR:
        return None
    if ds.dt.day().n_unique() == 1 or (ds == ds.dt.month_end()).all():
        return "1mo"
    return "1w" if (ds.diff().drop_nulls().dt.total_days() % 7 == 0).all() else "1d"
