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


def check_days(config: Config, cutoff: date, edits: Iterable[Edit]) -> None:
    """Raise UserError for an edit of which no day lies in the horizon of a forecast from `cutoff`."""
    first, last = config.frequency.shift(cutoff, 1), config.frequency.shift(cutoff, config.h)
    for edit in edits:
        if edit.end < first or edit.start > last or edit.end < edit.start:
            raise UserError(
                f"dates {edit.start} to {edit.end}: the forecast covers {first} to {last}; choose days within"
            )


def check_reach(edits: Iterable[Edit], planned: pl.DataFrame) -> tuple[str, ...]:
    """A sentence for each edit that leaves some of its rows as they are, as no value is known there, or all rows.

    `planned` are the future rows without edits, each of which sees what those before it have set. Raises UserError for
    an edit whose rows hold no value that it could change.

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
    return tuple(notes)
