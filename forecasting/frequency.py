"""What a day, a week, a month, a quarter and a year mean for a forecaster: FREQS holds one Frequency per `freq`.

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
    `events` those of own events (see features/calendar). `months` are those of a period, 0 for days and weeks;
    `least_history` is the number of periods that a model learns from although they are older than it asks for, and
    `horizon` how many periods are usually planned ahead; `boosted` are the last steps of the first blocks whose steps
    share boosters (none: those of the horizon blocks).
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
    months: int = 0
    least_history: int = 1
    horizon: int = 28
    boosted: tuple[int, ...] = ()

    def blocks(self, h: int) -> tuple[int, ...]:
        """Last step of each horizon block for `h` periods; the last one is `h`."""
        return _block_ends(self.first_blocks, self.block, h)

    def booster_blocks(self, h: int) -> tuple[int, ...]:
        """Last step of each block that has boosters of its own.

        Steps of days, weeks and months share boosters, which know the step: on twelve sets of sales, some made of
        others, those with boosters for each horizon block erred as much within a fiftieth, and took up to twice the
        time. The first week and the first month have their own: without, totals of months erred more.

        >>> FREQS["1d"].booster_blocks(28), FREQS["1w"].booster_blocks(8), FREQS["1mo"].booster_blocks(8)
        ((7, 28), (8,), (1, 8))
        """
        return _block_ends(self.boosted, self.boosted[-1], h) if self.boosted else self.blocks(h)

    def shift(self, day: date, periods: int) -> date:
        """The day `periods` periods after `day` (before it when negative)."""
        if self.months:
            months = day.year * 12 + day.month - 1 + periods * self.months
            return date(months // 12, months % 12 + 1, day.day)
        return day + timedelta(days=periods * self.days)

    @property
    def days(self) -> int:
        """Days in a period (a month counts as 30, for rough sizes only)."""
        return {"1d": 1, "1w": 7, "1mo": 30, "1q": 91, "1y": 365}[self.every]

    def steps(self, start: pl.Expr, end: pl.Expr) -> pl.Expr:
        """Periods from `start` to `end` (Int32); both are dates on the grid."""
        if self.months:
            months = (end.dt.year() - start.dt.year()) * 12 + end.dt.month().cast(pl.Int32) - start.dt.month()
            return (months // self.months).cast(pl.Int32)
        return ((end - start).dt.total_days() // self.days).cast(pl.Int32)

    def offset(self, ds: pl.Expr, periods: pl.Expr) -> pl.Expr:
        """`ds` moved by a column of whole periods."""
        return ds.dt.offset_by(pl.format("{}" + self.every[1:], periods))

    def floor(self, ds: pl.Expr) -> pl.Expr:
        """The date that stands for the period of `ds`: months, quarters and years start on their first day, days and
        weeks stay.
        """
        return ds.dt.truncate(self.every) if self.months else ds

    def training_periods(self, years: float) -> int:
        """How many of the newest periods a model learns from that asks for so many years."""
        return max(round(years * self.year), self.least_history)

    def coverage(self, ds: pl.Series) -> float:
        """How well sorted, different dates fit: the share of days from first to last that are among them; for longer
        periods 1 when each has one date, always at the same place in it, else 0.
        """
        if not len(ds):
            return 0.0
        if self.days == 1:
            return len(ds) / int((ds[-1] - ds[0]).days + 1)
        if not self.months:
            return float(bool((ds.diff().drop_nulls().dt.total_days() % self.days == 0).all()))
        first = ds.dt.truncate(self.every)
        starts, ends = (ds - first).n_unique() == 1, bool((ds == ds.dt.month_end()).all())
        return float(first.n_unique() == len(ds) and (starts or ends))


def _block_ends(first: tuple[int, ...], width: int, h: int) -> tuple[int, ...]:
    """Those of the first ends, and of further ones so many steps apart, that lie before h, and h."""
    further = range(first[-1] + width, h, width)
    return (*(end for end in (*first, *further) if end < h), h)


AROUND = ("next_holiday", "last_holiday", "next_holiday_code", "last_holiday_code")
FEASTS = ("next_feast", "last_feast", "next_payday", "last_payday")
DAY = ("weekday", "monthday", "month", "yearday", "holiday", *AROUND, "free_days", "bridge", "easter", "month_left")
WEEK = ("month", "yearweek", "monthday", "easter", "holiday_before", "holiday_after", "holiday_later")
SHARES = ("holidays_before", "holidays_after")
AGO = ("easter_share_ago", "feast_share_ago")
WEEKLY = (*WEEK, *SHARES, *FEASTS)
MONTH = ("month", "quarter", "easter_month", "easter_share", "feast_share", "workdays", *AGO)
QUARTER = ("quarter", "quarter_easter", "quarter_feast", "quarter_workdays", "quarter_easter_ago", "quarter_feast_ago")
YEAR = ("year_workdays",)

DAY_EVENTS = ("today", "day", "next", "last", "next_code", "last_code")
WEEK_EVENTS = ("before", "after", "share_before", "share_after", "next", "last")
MONTH_EVENTS = ("share", "code")

FREQS: dict[str, Frequency] = {
    "1d": Frequency(
        "1d", 7, 364, (1, 7, 14, 28), 14, (7, 28, 30, 91), 91, 91, (*DAY, *FEASTS), DAY_EVENTS, "day", boosted=(7, 91)
    ),
    "1w": Frequency(
        "1w", 52, 52, (1, 2, 4, 8), 4, (4, 13, 26, 52), 26, 52, WEEKLY, WEEK_EVENTS, "week", 0, 1, 13, boosted=(13,)
    ),
    "1mo": Frequency(
        "1mo", 12, 12, (1, 3, 6, 12), 6, (3, 6, 12), 12, 12, MONTH, MONTH_EVENTS, "month", 1, 1, 12, boosted=(1, 12)
    ),
    "1q": Frequency("1q", 4, 4, (1, 2, 4), 4, (2, 4, 8), 4, 4, QUARTER, ("share",), "quarter", 3, 24, 4),
    "1y": Frequency("1y", 1, 1, (1, 2), 3, (2, 3, 5), 3, 3, YEAR, ("share",), "year", 12, 24, 3),
}

REGULAR = 10
"""So many different dates tell a rhythm."""


def rhythm(ds: pl.Series) -> str | None:
    """The longest of FREQS on whose grid all of these sorted, different dates stand; None when they are too few."""
    if len(ds) < REGULAR:
        return None
    if ds.dt.day().n_unique() == 1 or (ds == ds.dt.month_end()).all():
        months = (12 * ds.dt.year() + ds.dt.month().cast(pl.Int32)).diff().drop_nulls()
        return next((name for name in ("1y", "1q") if (months % FREQS[name].months == 0).all()), "1mo")
    return "1w" if (ds.diff().drop_nulls().dt.total_days() % 7 == 0).all() else "1d"


def likely(ds: pl.Series) -> str:
    """The `freq` of sorted, different dates: by their grid, or where they are few, by the usual distance of two;
    days where no longer period fits.
    """
    if found := rhythm(ds):
        return found
    distance = ds.diff().dt.total_days().median()
    usual = float(distance) if isinstance(distance, int | float) else 1.0
    fitting = [name for name, f in FREQS.items() if f.days <= 1.1 * usual and f.coverage(ds) == 1.0]
    return fitting[-1] if fitting else "1d"
