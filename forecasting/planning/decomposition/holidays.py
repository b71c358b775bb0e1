"""Where rows lie among holidays and events: `holiday_places` takes rows with calendar columns and returns two Series.

`holiday` is the distance to a holiday (0 far from all, 1 on the day, then the days before and after), whichever it is;
`feast` a number of which holiday or event it is at this distance, 0 for none.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from forecasting.config import Config
from forecasting.features.base import NOISE

BEFORE, AFTER = 3, 1
"""Days before and after a holiday that have an effect of their own."""


def holiday_places(rows: pl.DataFrame, config: Config) -> dict[str, pl.Series]:
    """{"holiday": place by distance, "feast": place by holiday and distance}, both Int64, 0 where there is none.

    >>> config = Config(name="a", source={}, freq="1d", h=1)
    >>> far, code = {"cal_last_holiday": [9, 9, 0], "cal_last_holiday_code": [0, 0, 5]}, "cal_next_holiday_code"
    >>> rows = pl.DataFrame({"cal_holiday": [0, 0, 5], "cal_next_holiday": [9, 1, 0], code: [0, 5, 5], **far})
    >>> holiday_places(rows, config)["holiday"].to_list()
    [0, 2, 1]
    """
    distance, code = pl.lit(0), pl.lit(0)
    for place, named in reversed(list(_nearest(rows))):
        here = named.cast(pl.Int64).fill_null(0)
        distance = pl.when(here > 0).then(place).otherwise(distance)
        code = pl.when(here > 0).then(here * (BEFORE + AFTER + 2) + place).otherwise(code)
    code = sum((_event(rows, c) for c in _event_columns(rows, config)), pl.lit(0)).cast(pl.Int64) * 2**24 + code
    made = rows.select(_n=pl.len(), holiday=distance.cast(pl.Int64), feast=code.cast(pl.Int64))
    return {"holiday": made["holiday"], "feast": made["feast"]}


def _nearest(rows: pl.DataFrame) -> Iterator[tuple[int, pl.Expr]]:
    """Place and the code of the holiday that a row lies at, the nearest first; a week lies at those within it."""
    if "cal_holiday" in rows.columns and "cal_next_holiday" in rows.columns:
        yield 1, pl.col("cal_holiday")
        for days in range(1, BEFORE + 1):
            yield 1 + days, pl.when((pl.col("cal_next_holiday") - days).abs() < NOISE).then("cal_next_holiday_code")
        for days in range(1, AFTER + 1):
            yield (
                1 + BEFORE + days,
                pl.when((pl.col("cal_last_holiday") - days).abs() < NOISE).then("cal_last_holiday_code"),
            )
    elif "cal_holiday_after" in rows.columns:
        yield 1, pl.col("cal_holiday_after")
        yield 2, pl.col("cal_holiday_later")


def _event_columns(rows: pl.DataFrame, config: Config) -> list[str]:
    """The columns that hold the code of the event of each period, one per table of events."""
    names = ("today", "after", "code")
    own = [[f"event_{table}_{name}" for name in names] for table in config.calendar.events]
    return [next(c for c in columns if c in rows.columns) for columns in own if set(columns) & set(rows.columns)]


def _event(rows: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64).fill_null(0)
