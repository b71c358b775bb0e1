"""Dates from text: `parse_dates` takes a text column and a format or None, and returns Date, null where one is no date.

Without a format it takes the one of PATTERNS that most cells fit; DateFormatError when none fits, or when day/month and
month/day fit equally well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

PATTERNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"^\d{4}-\d{1,2}-\d{1,2}$", ("%Y-%m-%d",)),
    (r"^\d{4}-\d{1,2}$", ("%Y-%m",)),
    (r"^\d{4}/\d{1,2}/\d{1,2}$", ("%Y/%m/%d",)),
    (r"^\d{4}/\d{1,2}$", ("%Y/%m",)),
    (r"^\d{8}$", ("%Y%m%d",)),
    (r"^\d{1,2}\.\d{1,2}\.\d{4}$", ("%d.%m.%Y",)),
    (r"^\d{1,2}\.\d{1,2}\.\d{2}$", ("%d.%m.%y",)),
    (r"^\d{1,2}/\d{1,2}/\d{4}$", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"^\d{1,2}/\d{1,2}/\d{2}$", ("%d/%m/%y", "%m/%d/%y")),
    (r"^\d{1,2}-\d{1,2}-\d{4}$", ("%d-%m-%Y", "%m-%d-%Y")),
)
"""Pattern of a date and the formats it may have. Where there are two, the values must decide between them."""

TIME_OF_DAY = r"^(\S+?)(?:[ T]\d{1,2}:\d{2}.*)?$"


@dataclass(eq=False)
class DateFormatError(Exception):
    """The cells of a column, such as `example`, fit no date format, or two `formats` that give different dates."""

    column: str
    example: str
    formats: tuple[str, ...] = ()


def parse_dates(text: pl.Series, ds_format: str | None) -> pl.Series:
    """The cells as Date, null where one is no date, by the given format (strftime).

    Without a format it is inferred from all cells, and times of day are ignored; raises DateFormatError when none fits,
    or two that give different dates fit equally well.
    """
    unique = text.unique().drop_nulls()
    parsed = _parse(unique.str.strip_chars(), ds_format, text.name)
    valid = parsed.is_not_null()
    return text.replace_strict(unique.filter(valid), parsed.filter(valid), default=None, return_dtype=pl.Date)


def _parse(values: pl.Series, ds_format: str | None, column: str) -> pl.Series:
    if ds_format:
        return _parse_by_format(values, ds_format)
    days = values.str.extract(TIME_OF_DAY, 1).fill_null(values)
    return _parse_by_format(days, _infer_format(days, column))


def _parse_by_format(values: pl.Series, ds_format: str) -> pl.Series:
    """Dates in one format; a format without a day means the first of the month."""
    if re.search(r"%[djeDFxcs]", ds_format):
        return values.str.to_date(ds_format, strict=False)
    return (values + " 01").str.to_date(f"{ds_format} %d", strict=False)


def _infer_format(values: pl.Series, column: str) -> str:
    """The format of the pattern that most values match."""
    matches = {pattern: int(values.str.contains(pattern).sum()) for pattern, _ in PATTERNS}
    pattern = max(matches, key=lambda p: matches[p])
    if not matches[pattern]:
        raise DateFormatError(column, values[0] if len(values) else "")
    return _choose_format(values, dict(PATTERNS)[pattern], column)


def _choose_format(values: pl.Series, formats: tuple[str, ...], column: str) -> str:
    """The format that parses most values; raises DateFormatError when two parse equally many to different dates."""
    parsed = {f: int(_parse_by_format(values, f).is_not_null().sum()) for f in formats}
    best = max(formats, key=lambda f: parsed[f])
    rivals = [f for f in formats if f != best and parsed[f] == parsed[best]]
    if rivals and not _parse_by_format(values, best).equals(_parse_by_format(values, rivals[0])):
        raise DateFormatError(column, values[0], (best, rivals[0]))
    return best
