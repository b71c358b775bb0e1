"""Paydays: `with_paydays` adds the days to the next and since the last payday to a frame [ds, working, ...] of days.

A payday is a day of the month; on a day off it moves to the working day before, unless calendar.paydays_move is never.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Calendar

MONTH = 31
"""The most days between two paydays."""
DS = pl.col("ds")


def with_paydays(days: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """`days` [ds, working, ...] (sorted, no gaps) with next_payday and last_payday: days until and since one.

    Unchanged where the calendar has no paydays.
    """
    if not calendar.paydays:
        return days
    paid = days.select("ds", nominal=pl.any_horizontal(_is(day) for day in calendar.paydays), at=_place(calendar))
    paydays = paid.filter("nominal").select(ds="at", paid="at").drop_nulls().unique()
    days = days.join(paydays, on="ds", how="left", maintain_order="left")
    ahead = (pl.col("paid").backward_fill() - DS).dt.total_days()
    behind = (DS - pl.col("paid").forward_fill()).dt.total_days()
    made = {"next_payday": ahead, "last_payday": behind}
    return days.with_columns(e.clip(0, MONTH).cast(pl.Float32).alias(n) for n, e in made.items()).drop("paid")


def _is(day: int) -> pl.Expr:
    """Whether a date is this day of its month; the last one where the month is shorter (the first: from the end)."""
    length = DS.dt.month_end().dt.day().cast(pl.Int32)
    place = pl.min_horizontal(pl.lit(abs(day)), length)
    return DS.dt.day() == (place if day > 0 else length - place + 1)


def _place(calendar: Calendar) -> pl.Expr:
    """The day on which a salary due on this day is paid."""
    return DS if calendar.paydays_move == "never" else pl.when("working").then(DS).forward_fill()
