"""Known-ahead columns that lack values on coming days: what boosters learn of it, and how they forecast without.

`hidden_columns` takes a cut and returns such columns; `mark_hidden` takes a frame to train on and marks the rows where
their values are hidden: coming ones, and as many of the past. `count_nulls` takes parts of the training rows, and
`complete_columns` returns the columns that all of them held. `prepare_coming` takes a frame to forecast and these
Drivers, and returns it with the same marks, and with usual values where boosters would meet a gap that they never met;
`needed_for` says which.

LightGBM takes a value that was never missing in training for 0 when it is, as though all were given away.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.known_ahead import change_rows, fill_unknown, is_flag, unknown_on_coming_rows
from forecasting.features.base import LEAD, hidden_mark

SELDOM = 0.001
"""Boosters that miss a value on a smaller share of the rows have not learned to forecast without it."""


@dataclass(frozen=True)
class Drivers:
    """What the training rows of a block held of known-ahead columns: those `hidden` on some rows, as they are on coming
    ones, and those that were `complete`.
    """

    hidden: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()


def hidden_columns(cut: Cut) -> tuple[str, ...]:
    """The columns that lack values on some coming step, and that no rule of `future` continues."""
    lacking = cut.served.columns_hidden(1, cut.h) if cut.served else ()
    return tuple(column for column in lacking if cut.config.future.get(column) is None)


def mark_hidden(cut: Cut, frame: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """The frame, whose past rows have a LEAD, with a mark per column (see features.base.hidden_mark): a row of the past
    is marked where the value so many steps ahead is unknown tonight.
    """
    if not columns or cut.served is None:
        return frame
    marked = cut.served.mark(frame, pl.when(pl.col("ds") <= cut.cutoff).then(LEAD), columns)
    return mark_coming(cut, marked, columns)


def mark_coming(cut: Cut, frame: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """The frame with the marks of coming rows: there is no value."""
    is_coming, false = pl.col("ds") > cut.cutoff, pl.lit(value=False)
    past = {c: pl.col(mark) if (mark := hidden_mark(c)) in frame.columns else false for c in columns}
    marks = {hidden_mark(c): pl.when(is_coming).then(pl.col(c).is_null()).otherwise(past[c]) for c in columns}
    return frame.with_columns(mark.alias(name) for name, mark in marks.items())


def count_nulls(cut: Cut, rows: pl.DataFrame) -> pl.DataFrame:
    """One row: how many of these training rows lack each known-ahead column."""
    return rows.select(c for c in cut.config.columns.known_ahead if c in rows.columns).null_count()


def complete_columns(nulls: Sequence[pl.DataFrame], rows: int) -> tuple[str, ...]:
    """The known-ahead columns that (nearly) all of so many training rows hold, by `count_nulls` of their parts."""
    total = pl.concat(nulls).sum()
    return tuple(c for c in total.columns if total[c].item() < SELDOM * rows)


def prepare_coming(cut: Cut, frame: pl.DataFrame, drivers: Drivers) -> pl.DataFrame:
    """The frame with marks where `hidden` columns have no value, and the usual value where `complete` ones have none:
    of a flag the state that is more frequent.
    """
    filled = fill_unknown(frame, drivers.complete, cut.config, cut.cutoff)
    numbers = [c for c in drivers.complete if filled.schema[c].is_numeric()]
    flags = [is_flag(c, cut.cutoff).alias(f"{c} is a flag") for c in numbers]
    rounded = [pl.when(f"{c} is a flag").then(pl.col(c).round()).otherwise(c).alias(c) for c in numbers]
    parts = pl.any_horizontal(pl.lit(False), *(pl.col(c) != pl.col(c).round() for c in numbers))
    whole = change_rows(filled, (pl.col("ds") > cut.cutoff) & parts, flags, rounded)
    return mark_coming(cut, whole, drivers.hidden)


def needed_for(cut: Cut, frame: pl.DataFrame, drivers: Drivers) -> Drivers:
    """What has to be prepared of a frame: the hidden columns, and the complete ones that lack values on coming rows."""
    complete = [c for c in drivers.complete if c in frame.columns]
    return Drivers(drivers.hidden, unknown_on_coming_rows(frame, complete, cut.cutoff))
