"""Reference tables of a layout (stores, calendars, prices): small and all needed, so any fault stops the load.

`read_columns` takes an open TextTable and returns columns as text; `cast_to_numbers` and `require_unique` take such a
frame and return it. All raise UserError that names the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.data.sources.readers.cells import strip_nulls
from forecasting.data.sources.readers.numbers import parse_numbers
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.errors import UserError


def read_columns(text: TextTable, columns: Sequence[str]) -> pl.DataFrame:
    """The named columns as String (empty is null), with file and line; raises UserError for missing columns and broken
    lines.
    """
    text.require(columns)
    if text.broken.height:
        line = text.broken["line"][0]
        raise UserError(f"{text.file}, line {line}: has not as many cells as the header: mend the line")
    return text.cells(columns).with_columns(strip_nulls(pl.col(columns)))


def cast_to_numbers(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The frame with these columns as Float64; raises UserError with file and line when a cell is no number."""
    for column in columns:
        values, bad = parse_numbers(frame[column])
        if bad.any():
            first = frame.filter(bad).row(0, named=True)
            where = f"{first['file']}, line {first['line']}"
            raise UserError(f"{where}: {column} is {first[column]!r}, not a number: mend the cell")
        frame = frame.with_columns(values)
    return frame


def require_unique(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The frame unchanged; raises UserError with file and line when two rows have the same keys."""
    repeated = frame.filter(frame.select(keys).is_duplicated())
    if repeated.height:
        row = repeated.row(1, named=True)
        key = ", ".join(f"{k} {row[k]}" for k in keys)
        raise UserError(f"{row['file']}, line {row['line']}: {key} comes twice: keep one of the lines")
    return frame
