"""The comparable day of earlier years: the same distance from the same holiday, else the same phase of the year.

`aligned_lags` takes days and the holidays of a place and returns the periods back to it, one number per day.
Easter 2024 lay three weeks before Easter 2025: neither the same date nor the same week of last year is comparable.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import cast

import polars as pl

from forecasting.features.calendar.places import Holidays
from forecasting.frequency import Frequency

MOVING, FIXED = 15, 15
"""Days around a feast of moving and of fixed date that belong to it."""
REACH = 45
"""Days by which a holiday may lie farther or nearer than a year: Easter moves by 35, feasts of the moon by 30."""
EARLIER = 4
"""So many earlier occurrences of a holiday are considered."""


def aligned_lags(ds: pl.Series, holidays: Holidays, frequency: Frequency, year: int) -> pl.Series:
    """Periods back to the comparable day of each of the days `ds` (unique), shape (days,), Int32.

    It lies about `year` periods ago (a multiple of the year), at most REACH days earlier or later, and exactly `year`
    where no holiday is near.
    """
    days = frequency.days
    rows = _days_near_holidays(ds, holidays) if len(ds) else []
    kinds = {"ds": pl.Date, "far": pl.Int32, "fixed": pl.Boolean, "past": pl.Boolean, "back": pl.Int32}
    near = pl.DataFrame(rows, schema=kinds, orient="row").with_columns(lag=(pl.col("back") / days).round())
    near = near.filter((pl.col("lag") - year).abs() <= REACH // days).sort("ds", "far", "fixed", "past", "lag")
    near = near.unique("ds", keep="first", maintain_order=True).select("ds", pl.col("lag").cast(pl.Int32))
    return ds.to_frame("ds").join(near, on="ds", how="left", maintain_order="left")["lag"].fill_null(year)


def _days_near_holidays(ds: pl.Series, holidays: Holidays) -> Iterator[tuple[date, int, bool, bool, int]]:
    """Days near a holiday: the distance, whether it has a fixed date, whether it is over, and how many days ago the day
    at the same distance from an earlier occurrence was.
    """
    most = timedelta(max(MOVING, FIXED))
    first, last = cast(date, ds.min()) - most, cast(date, ds.max()) + most
    for feasts in holidays.feasts.values():
        fixed = len({(day.month, day.day) for day in feasts}) == 1
        width = FIXED if fixed else MOVING
        for i, day in enumerate(feasts):
            if first <= day <= last:
                for before in feasts[max(0, i - EARLIER) : i]:
                    for offset in range(-width, width + 1):
                        yield day + timedelta(offset), abs(offset), fixed, offset > 0, (day - before).days
