"""How far edits reach: `check_reach` takes Edits and the planned future rows, and returns what they leave.

A price that nobody knows cannot be lowered by a tenth. It returns sentences, one per edit that changes some of its rows
only; an edit that could change none raises UserError, and so does `check_days` for days that are not ahead.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.edits import Edit, format_change
from forecasting.errors import UserError


def check_days(config: Config, cutoff: date, edits: Iterable[Edit]) -> tuple[str, ...]:
    """Sentences about edits of which the first days are past; raises UserError for one with a day after the horizon of
    a forecast from `cutoff`, or without a day in it.
    """
    first, last = config.frequency.shift(cutoff, 1), config.frequency.shift(cutoff, config.h)
    notes = []
    for edit in edits:
        if edit.end < first or edit.end > last or edit.end < edit.start:
            raise UserError(
                f"dates {edit.start} to {edit.end}: the forecast covers {first} to {last}; choose days within"
            )
        if edit.start < first:
            notes.append(f"{format_change(edit)} from {edit.start} on: the days before {first} are past and left out.")
    return tuple(notes)


def check_reach(edits: Iterable[Edit], planned: pl.DataFrame, price: str | None = None) -> tuple[str, ...]:
    """A sentence for each edit that leaves some of its rows as they are, as no value is known there, or all rows.

    `planned` are the future rows without edits, each of which sees what those before it have set; `price` is the column
    of the price. Raises UserError for an edit whose rows hold no value that it could change, and for one that takes a
    price below 0.

    >>> from datetime import date
    >>> day = date(2026, 1, 5)
    >>> planned = pl.DataFrame({"ds": [day, day], "price": [2.0, None]})
    >>> check_reach([Edit("price", "*=", 0.9, day, day)], planned)
    ('price*=0.9 changes 1 of 2 rows: no price is known on the others.',)
    """
    notes = []
    for edit in edits:
        change, column = format_change(edit), edit.column
        rows = planned.filter(edit.reaches())
        unknown = rows[column].null_count() if edit.op != "=" else 0
        if rows.is_empty():
            notes.append(f"{change} changes nothing: it holds for no coming day of these series.")
        elif unknown == rows.height:
            raise UserError(
                f"change {change!r}: no {column} is known on these days, so there is nothing to change: set one, as in "
                f"{column}=2.5, or give {column} in rows for the coming days"
            )
        elif unknown:
            changed = f"{rows.height - unknown:,} of {rows.height:,} rows"
            notes.append(f"{change} changes {changed}: no {column} is known on the others.")
        planned = planned.with_columns(edit.expr(planned.schema[column]))
        if column == price and (planned.filter(edit.reaches())[column] < 0).any():
            raise UserError(f"change {change!r}: a price cannot be below 0")
    return tuple(notes)
