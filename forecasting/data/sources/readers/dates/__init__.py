"""Dates from text: `read_dates` takes a text column and a format or None, and returns a Reading of its cells as Date.

Without a format it is inferred how the cells are written (see inference); DateFormatError when that is unclear.
`parse_dates` returns the dates alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

from forecasting.data.sources.readers.dates.inference import DateFormatError, Way, infer_ways
from forecasting.data.sources.readers.dates.plain_text import minutes_of_day, plain_dates
from forecasting.data.sources.readers.dates.writings import writing_of
from forecasting.frequency import Frequency

__all__ = ["DateFormatError", "Reading", "Way", "minutes_of_day", "parse_dates", "read_dates"]

ISO, FOUR_DIGITS = "%Y-%m-%d", r"^\s*\d{4}-"
TIME_DIRECTIVES = r"[\sT,]*%[HIklTRrcsXp+].*$"
"""The part of a format that is a time of day, from there to its end."""
DAY_DIRECTIVES = r"%-?[djeDFxcsuwaA]"


@dataclass(frozen=True)
class Reading:
    """The cells of a column as Date, null where one is no date, and how they are written.

    `minutes` (Int16) is the time of day of each cell in minutes after midnight, None where no cell has one. `ways`
    begins with the most frequent one; it is empty where a format was given or all cells are in ISO form.
    """

    dates: pl.Series
    minutes: pl.Series | None = None
    ways: tuple[Way, ...] = ()


def parse_dates(text: pl.Series, ds_format: str | None) -> pl.Series:
    """The dates of `read_dates`."""
    return read_dates(text, ds_format).dates


def read_dates(
    text: pl.Series, ds_format: str | None, frequency: Frequency | None = None, known: str | None = None
) -> Reading:
    """The cells as Date, null where one is no date, by the given format (strftime, or `excel` or `unix`).

    A time of day that the format does not name is ignored, and so are other signs between its parts. Without a format
    it is inferred from all cells; where several fit, the one that is `known` from earlier cells is taken, else the
    `frequency` of the dates decides. Raises DateFormatError when none fits, several give different dates, or the cells
    contradict the known one.
    """
    unique = text.unique().drop_nulls()
    if ds_format is None:
        dates = unique.str.strip_chars().str.to_date(ISO, strict=False)
        if len(dates) and not dates.null_count() and unique.str.contains(FOUR_DIGITS).all():
            return Reading(_by_cell(text, unique, dates))
    minutes = minutes_of_day(unique)
    times = text.replace_strict(unique, minutes, default=0, return_dtype=pl.Int16) if (minutes != 0).any() else None
    plain = plain_dates(unique)
    distinct = plain.filter(plain != "").unique().sort().alias(text.name)
    if ds_format is not None:
        return Reading(_by_cell(text, unique, _by_format(unique, plain, distinct, ds_format)), times)
    try:
        dates, ways = infer_ways(distinct, frequency, known)
    except DateFormatError as error:
        raise replace_example(error, unique, plain) from None
    ways = tuple(replace(way, example=_as_it_came(way.example, unique, plain)) for way in ways)
    return Reading(_by_cell(text, unique, _by_cell(plain, distinct, dates)), times, ways)


def replace_example(error: DateFormatError, unique: pl.Series, plain: pl.Series) -> DateFormatError:
    """The error with its example as it stands in the file."""
    cell = _as_it_came(error.example, unique, plain)
    return DateFormatError(error.column, cell, error.readings, error.known)


def _as_it_came(example: str, unique: pl.Series, plain: pl.Series) -> str:
    """The first of the distinct cells whose plain text is `example`."""
    cells = unique.filter(plain == example)
    return str(cells.min()) if len(cells) else example


def _by_cell(cells: pl.Series, values: pl.Series, dates: pl.Series) -> pl.Series:
    """The date of each cell, by the dates of distinct values."""
    valid = dates.is_not_null()
    return cells.replace_strict(values.filter(valid), dates.filter(valid), default=None, return_dtype=pl.Date)


def _by_format(unique: pl.Series, plain: pl.Series, distinct: pl.Series, ds_format: str) -> pl.Series:
    """The dates of distinct cells in one format: exactly in it, or as the parts of its date in their order."""
    writing = writing_of(re.sub(TIME_DIRECTIVES, "", ds_format))
    if writing is None:
        return _by_directives(unique.str.strip_chars(), ds_format)
    return _by_cell(plain, distinct, writing.parse(distinct))


def _by_directives(values: pl.Series, ds_format: str) -> pl.Series:
    """Dates in a format with other directives; without a day it means the first of the month or the Monday."""
    if re.search(DAY_DIRECTIVES, ds_format):
        return values.str.to_date(ds_format, strict=False)
    first, directive = ("1", "%u") if re.search(r"%[UVW]", ds_format) else ("01", "%d")
    return (values + f" {first}").str.to_date(f"{ds_format} {directive}", strict=False)
