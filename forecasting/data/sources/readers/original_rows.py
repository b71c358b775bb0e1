"""Rows as they are in their file, for the quarantine: functions from [file, line] to [file, line, row].

`row_reader` returns such a function for typed tables and text, `read_text_rows` is the one for text files alone. Only
the requested lines are returned; row is the line of text, or JSON of a typed row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import polars as pl

from forecasting.data.sources.readers.text.text_table import TextTable, read_lines
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.io import storage

SCHEMA = {"file": pl.String, "line": pl.Int64, "row": pl.String}


Reader = Callable[[Sequence[int]], list[str]]
"""From 1-based lines of one file to their rows."""


def row_reader(tables: Sequence[TextTable | TypedTable]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A function from [file, line] to [file, line, row] for rows of these tables."""
    return partial(_read_rows, {str(t.file): t.read_again for t in tables})


def read_text_rows(keys: pl.DataFrame) -> pl.DataFrame:
    """[file, line, row] for the given [file, line] of text files: row is the line of text."""
    return _read_rows({}, keys)


def _read_rows(readers: Mapping[str, Reader], keys: pl.DataFrame) -> pl.DataFrame:
    """[file, line, row] for the given [file, line]; a file without a reader is text."""
    frames = [pl.DataFrame(schema=SCHEMA)]
    for (name,), part in keys.group_by("file", maintain_order=True):
        read = readers.get(str(name)) or partial(read_lines, storage.file_at(str(name)))
        rows = pl.Series("row", read(part["line"].to_list()), dtype=pl.String)
        frames.append(part.select("file", "line").with_columns(rows))
    return pl.concat(frames)
