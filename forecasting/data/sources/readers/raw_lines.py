"""Rows once more, as they came: only those that are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import polars as pl

from forecasting.data.sources.readers.text import text_lines
from forecasting.data.sources.readers.typed import Typed
from forecasting.io import storage

SCHEMA = {"file": pl.String, "line": pl.Int64, "row": pl.String}


def of_tables(tables: Sequence[Typed]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """What reads rows of these tables again, and lines of text files."""
    return partial(_rows, {str(t.file): t for t in tables})


def from_files(keys: pl.DataFrame) -> pl.DataFrame:
    """file, line, row for the given (file, line) of text files."""
    return _rows({}, keys)


def _rows(tables: Mapping[str, Typed], keys: pl.DataFrame) -> pl.DataFrame:
    """file, line, row for the given (file, line): the text line, or the JSON of a row that has types."""
    frames = [pl.DataFrame(schema=SCHEMA)]
    for (name,), part in keys.group_by("file", maintain_order=True):
        file, lines = str(name), part["line"].to_list()
        found = _json_rows(tables[file], lines) if file in tables else text_lines(storage.file_at(file), lines)
        frames.append(part.select("file", "line").with_columns(pl.Series("row", found, dtype=pl.String)))
    return pl.concat(frames)


def _json_rows(table: Typed, lines: Sequence[int]) -> list[str]:
    rows = table.picked(lines)
    return [as_json(rows[n]) for n in lines]


def as_json(row: dict[str, object]) -> str:
    """A row in one line of JSON; dates in ISO form."""
    return json.dumps(row, default=str, ensure_ascii=False)
