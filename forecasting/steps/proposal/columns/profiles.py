"""What the cells of a column hold: `profile` takes a column and returns its Profile. Names count for dates alone.

Dates and numbers are read by the rules by which a load reads them, so what is proposed is what will be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from forecasting.data.sources.readers.dates import DateFormatError, read_dates
from forecasting.data.sources.readers.numbers import (
    NumberFormat,
    NumberFormatError,
    decide_decimal,
    evidence_of,
    holds_flags,
    parse_numbers,
)
from forecasting.frequency import FREQS
from forecasting.steps.proposal.columns.vocabulary import date_rank

Kind = Literal["date", "number", "flag", "text", "empty"]
TYPED = 0.9
"""The least share of a column's cells that are dates for it to hold dates."""
CELLS = 2000
"""Different cells that are looked at to see whether a column holds dates."""
DIGITS = r"^\s*\d+([.,]\d+)?\s*$"


@dataclass(frozen=True)
class Profile:
    """A column: its kind, its cells, and these as Float64 or Date where it holds numbers or dates.

    `whole` tells whether all of its numbers are whole ones.
    """

    name: str
    kind: Kind
    cells: pl.Series
    values: pl.Series
    whole: bool = False

    @property
    def filled(self) -> float:
        """The share of cells that hold something."""
        return 1 - self.values.null_count() / max(len(self.values), 1)

    @property
    def different(self) -> int:
        """The number of different values."""
        return self.values.drop_nulls().n_unique()


def profile(cells: pl.Series) -> Profile:
    """The profile of a column of text or of a type."""
    if cells.dtype == pl.Date or isinstance(cells.dtype, pl.Datetime):
        return _of_dates(cells)
    if cells.dtype == pl.Boolean:
        return Profile(cells.name, "flag", cells, cells.cast(pl.Float64), whole=True)
    if cells.dtype.is_numeric():
        return _of_numbers(cells)
    return _of_text(cells.cast(pl.String, strict=False))


def _of_dates(cells: pl.Series) -> Profile:
    local = cells if cells.dtype == pl.Date else cells.dt.replace_time_zone(None)
    days = local.cast(pl.Date)
    return Profile(cells.name, "date" if days.count() else "empty", cells, days)


def _of_numbers(cells: pl.Series) -> Profile:
    values = cells.cast(pl.Float64).fill_nan(None)
    found = values.drop_nulls()
    if not len(found):
        return Profile(cells.name, "empty", cells, values)
    whole = bool((found == found.round()).all())
    if whole and date_rank(cells.name) <= 1 and found.is_between(19000101, 21001231).all():
        return _of_text(cells.cast(pl.Int64).cast(pl.String))
    kind: Kind = "flag" if whole and found.is_between(0, 1).all() else "number"
    return Profile(cells.name, kind, cells, values, whole=whole)


def _of_text(cells: pl.Series) -> Profile:
    text = pl.select(pl.lit(cells).str.strip_chars().replace("", None).alias(cells.name)).to_series()
    if not text.count():
        return Profile(cells.name, "empty", cells, text)
    evidence = evidence_of(text)
    if holds_flags(evidence):
        values, _ = parse_numbers(text, NumberFormat(flags=True))
        return Profile(cells.name, "flag", cells, values, whole=True)
    if (dates := _dates(text)) is not None:
        return Profile(cells.name, "date", cells, dates)
    if not evidence.looks_numeric:
        return Profile(cells.name, "text", cells, text)
    try:
        sign = decide_decimal(evidence) or "."
    except NumberFormatError:
        sign = "."
    values, _ = parse_numbers(text, NumberFormat(sign))
    found = values.drop_nulls()
    whole = bool((found == found.round()).all())
    kind: Kind = "flag" if whole and found.is_between(0, 1).all() else "number"
    return Profile(cells.name, kind, cells, values, whole=whole)


def _dates(text: pl.Series) -> pl.Series | None:
    """The cells as dates where nearly all of them are, else None; of several readings the first.

    Digits alone are dates only in a column that is called so.
    """
    unique = text.unique().drop_nulls().sort()
    few = unique.gather_every(max(1, len(unique) // CELLS))
    if few.str.contains(DIGITS).all() and date_rank(text.name) > 1:
        return None
    if few.str.contains(r"\d").sum() < TYPED * len(few):
        return None
    found = _read(few)
    if found is None or found.null_count() > (1 - TYPED) * len(few):
        return None
    return _read(text)


def _read(text: pl.Series) -> pl.Series | None:
    """The cells as dates, by the frequency that leaves no doubt where there is one."""
    doubt: DateFormatError | None = None
    for frequency in (None, *(FREQS[freq] for freq in ("1d", "1w", "1mo", "1q", "1y"))):
        try:
            return read_dates(text, None, frequency).dates
        except DateFormatError as error:
            doubt = doubt or error
    if doubt is None or not doubt.readings:
        return None
    return read_dates(text, doubt.readings[0][0]).dates
