"""Side tables (stores, calendars, prices): small, and needed whole, so a fault in them stops the load."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.data.sources.readers.cells import numbers, said
from forecasting.data.sources.readers.text import Text
from forecasting.errors import UserError


def side(text: Text, columns: Sequence[str]) -> pl.DataFrame:
    """The named columns as String (nothing said is null); raises UserError for missing columns and broken lines."""
    text.require(columns)
    if text.broken.height:
        line = text.broken["line"][0]
        raise UserError(f"{text.file}, line {line}: has not as many cells as the header: mend the line")
    return text.cells(columns).with_columns(said(pl.col(columns)))


def with_numbers(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The columns as Float64; raises UserError with file and line when a cell is no number."""
    for column in columns:
        values, bad = numbers(frame[column], ".")
        if bad.any():
            first = frame.filter(bad).row(0, named=True)
            where = f"{first['file']}, line {first['line']}"
            raise UserError(f"{where}: {column} is {first[column]!r}, not a number: mend the cell")
        frame = frame.with_columns(values)
    return frame


def unique_by(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The frame itself; raises UserError when a key comes twice."""
    twice = frame.filter(frame.select(keys).is_duplicated())
    if twice.height:
        row = twice.row(1, named=True)
        key = ", ".join(f"{k} {row[k]}" for k in keys)
        raise UserError(f"{row['file']}, line {row['line']}: {key} comes twice: keep one of the lines")
    return frame
