"""Dates of a source: `parse_source_dates` takes text cells and a config and returns them as Date, null for no date.

The format is source.ds_format, else inferred; where it is unclear, the UserError names source.ds_format.
`reading_remarks` returns what a user should know about how the cells were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.dates import DateFormatError, Reading, Way, parse_dates
from forecasting.errors import UserError
from forecasting.remarks import Remark


def parse_source_dates(cells: pl.Series, config: Config) -> pl.Series:
    """The text cells as Date, null where one is no date; raises UserError when their format is unclear."""
    with naming_ds_format(config):
        return parse_dates(cells, config.source.ds_format)


@contextmanager
def naming_ds_format(config: Config) -> Iterator[None]:
    """Raise the UserError for source.ds_format in place of a DateFormatError."""
    try:
        yield
    except DateFormatError as error:
        raise _unclear_format(config, error) from None


def _unclear_format(config: Config, error: DateFormatError) -> UserError:
    if not error.readings:
        return config.fault(
            "source.ds_format",
            f"no date is recognised in the column {error.column!r} (it holds {error.example!r}): "
            + (_short_of_a_date(error.example) or "give the format, for example source.ds_format: '%d.%m.%Y', or ")
            + "name another column in source.columns.ds",
        )
    if error.known:
        return config.fault(
            "source.ds_format",
            f"the column {error.column!r} was read by {error.known!r} in earlier loads, and {error.example!r} can only "
            f"be {error.readings[0][0]!r} ({error.readings[0][1]}): mend the file, or give the format of all files, "
            f"source.ds_format: '{error.known}' or '{error.readings[0][0]}'",
        )
    (first, *others), (day, *days) = zip(*error.readings, strict=True)
    formats = f"source.ds_format: '{first}' or {' or '.join(repr(f) for f in others)}"
    return config.fault(
        "source.ds_format",
        f"dates like {error.example!r} in the column {error.column!r} can mean {_order(error.readings)} "
        f"({day} or {' or '.join(map(str, days))}): give the format, {formats}",
    )


def _short_of_a_date(cell: str) -> str | None:
    """What to do where cells hold years or numbers of weeks or months alone."""
    if not re.fullmatch(r"\s*\D{0,6}\d{1,4}(\.0)?\s*", cell):
        return None
    return "name all columns that make up the date, for example source.columns.ds: [year, month], or "


def _order(readings: tuple[tuple[str, object], ...]) -> str:
    """The readings in words: day/month or month/day."""
    words = {"d": "day", "m": "month", "y": "year", "Y": "year", "V": "week", "b": "month"}
    orders = ("/".join(words[c] for c in f if c in words) for f, _ in readings)
    short = [order.removesuffix("/year") for order in orders]
    return " or ".join(short)


def reading_remarks(reading: Reading, column: str, config: Config) -> tuple[Remark, ...]:
    """How the cells of a column were read, as far as it is not plain: numbers as dates, weeks, doubts that freq has
    decided, and several ways of writing in one column.
    """
    explained = [text for way in reading.ways if (text := _explained(way, column, config))]
    remarks = [Remark("dates", text, "none") for text in explained]
    if len(reading.ways) > 1:
        ways = ", ".join(f"{way.cells:,} like {way.example!r} ({way.day})" for way in reading.ways)
        mixed = (
            f"the column {column!r} holds dates that are written in {len(reading.ways)} ways: {ways}; "
            "look whether a program has taken days for months in some of them"
        )
        remarks.append(Remark("dates", mixed, "numbers"))
    return tuple(remarks)


def _explained(way: Way, column: str, config: Config) -> str | None:
    cells = f"{way.example!r} in the column {column!r}"
    if way.rivals:
        others = " or ".join(f"{day} (source.ds_format: {f!r})" for f, day in way.rivals)
        return f"dates like {cells} are read as {way.day}, which fits freq: {config.freq}, and not as {others}"
    if way.format == "excel":
        return f"numbers like {cells} are read as days that a spreadsheet counts from 1900: {way.day}"
    if way.format == "unix":
        return f"numbers like {cells} are read as seconds (or parts of them) since 1970, days in UTC: {way.day}"
    if "%V" in way.format and "%u" not in way.format:
        return f"weeks like {cells} are read as ISO weeks, each by its Monday: {way.day}"
    return None


def late_midnights(cells: pl.Series, minutes: pl.Series | None, config: Config) -> tuple[Remark, ...]:
    """A remark when all times are the same late hour in UTC (or two, in summer and winter): midnights further east."""
    if minutes is None or config.source.time_zone or not _is_utc(cells):
        return ()
    hours = sorted({int(minute) for minute in minutes.drop_nulls().unique()})
    if hours[0] < 12 * 60 or hours[-1] - hours[0] > 60 or any(hour % 60 for hour in hours):
        return ()
    clock = " or ".join(f"{hour // 60}:00" for hour in hours)
    message = (
        f"all times in the column {cells.name!r} are {clock} in UTC, which is midnight of the next day further east: "
        "all sales stand a day too early; give source.time_zone, for example Europe/Berlin"
    )
    return (Remark("dates", message, "numbers"),)


def _is_utc(cells: pl.Series) -> bool:
    """Whether times are in UTC by their type or their text."""
    if isinstance(cells.dtype, pl.Datetime):
        return cells.dtype.time_zone in ("UTC", "Etc/UTC", "GMT", "+00:00")
    if cells.dtype != pl.String:
        return False
    return bool(cells.drop_nulls().unique().str.contains(r"\d(Z|\+00:?00)\s*$").all())
