"""Rows as they are in their file, for the quarantine: functions from [file, line] to [file, line, row].

`row_reader` returns such a function for typed tables and text, `read_text_rows` is the one for text files alone. Only
the requested lines are returned; row is the line of text, or JSON of a typed row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import polars as pl

from forecasting.data.sources.readers.text.text_table import read_lines
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.io import storage

SCHEMA = {"file": pl.String, "line": pl.Int64, "row": pl.String}


def row_reader(tables: Sequence[TypedTable]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A function from [file, line] to [file, line, row] for rows of these tables; other files are read as text."""
    return partial(_read_rows, {str(t.file): t for t in tables})


def read_text_rows(keys: pl.DataFrame) -> pl.DataFrame:
    """[file, line, row] for the given [file, line] of text files: row is the line of text."""
    return _read_rows({}, keys)


def _read_rows(tables: Mapping[str, TypedTable], keys: pl.DataFrame) -> pl.DataFrame:
    """[file, line, row] for the given [file, line]: row is the line of text, or the JSON of a row with types."""
    frames = [pl.DataFrame(schema=SCHEMA)]
    for (name,), part in keys.group_by("file", maintain_order=True):
        file, lines = str(name), part["line"].to_list()
        rows = _json_rows(tables[file], lines) if file in tables else read_lines(storage.file_at(file), lines)
        frames.append(part.select("file", "line").with_columns(pl.Series("row", rows, dtype=pl.String)))
    return pl.concat(frames)


def _json_rows(table: TypedTable, lines: Sequence[int]) -> list[str]:
    rows = table.rows_by_line(lines)
    return [to_json(rows[n]) for n in lines]


def to_json(row: dict[str, object]) -> str:
    """A row as one line of JSON; dates in ISO form."""
    return json.dumps(row, default=str, ensure_ascii=False)
