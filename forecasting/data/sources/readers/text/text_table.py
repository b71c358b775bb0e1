"""Delimited text: `read_text` takes a file and returns a TextTable, whose `cells` gives columns of String by row.

Nothing is cast or inferred but the delimiter. Every row has its physical line; broken lines are set aside in
`TextTable.broken`. `read_lines` reads chosen lines again.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.data.sources.readers.text.decoding import read_text_bytes
from forecasting.data.sources.readers.text.line_shape import LineShape, line_shape, select_lines
from forecasting.errors import UserError
from forecasting.io.storage import File

DELIMITERS = (",", ";", "\t", "|")
BROKEN = {"line": pl.Int64, "row": pl.String, "fault": pl.String}


@dataclass(frozen=True)
class TextTable:
    """A text file with a header: the cells of its good lines, and its broken and empty lines.

    `body` holds the good lines and `lines` their physical line numbers. `broken` [line, row, fault] are the lines with
    another number of cells than the header or with misplaced quotes; `empty` counts lines without content.
    """

    file: File
    names: tuple[str, ...]
    delimiter: str
    body: bytes
    lines: NDArray[np.int64]
    broken: pl.DataFrame
    empty: int

    @property
    def rows(self) -> int:
        """The number of lines below the header."""
        return len(self.lines) + self.broken.height + self.empty

    def require(self, columns: Sequence[str]) -> None:
        """Raise UserError when one of the columns is missing."""
        missing = [c for c in columns if c not in self.names]
        if missing:
            raise UserError(f"{self.file}: has no column {missing[0]!r}; it has: {', '.join(self.names[:20])}")

    def faulty(self) -> pl.DataFrame:
        """The broken lines: [line, fault (`cells` or `quotes`), file, fault_value (the start of the line)]."""
        start = pl.col("row").str.head(80)
        return self.broken.select("line", "fault", file=pl.lit(str(self.file)), fault_value=start)

    def cells(self, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns of the good lines, all String, with `file` and `line` (Int64)."""
        if not len(self.lines):
            return pl.DataFrame(schema=dict.fromkeys((*columns, "file"), pl.String) | {"line": pl.Int64})
        schema = {str(i): pl.String for i in range(len(self.names))}
        frame = pl.read_csv(
            self.body,
            has_header=False,
            schema=schema,
            separator=self.delimiter,
            quote_char='"' if b'"' in self.body else None,
        )
        named = [pl.col(str(self.names.index(c))).alias(c) for c in columns]
        return frame.select(*named, pl.lit(str(self.file)).alias("file"), pl.Series("line", self.lines))


def read_text(file: File) -> TextTable:
    """Read a text file, split it into lines and check their shape; raises UserError when it is no table."""
    data = read_text_bytes(file)
    data = data if data.endswith(b"\n") else data + b"\n"
    header_start = len(data) - len(data.lstrip(b"\r\n"))
    header_line = data.count(b"\n", 0, header_start) + 1
    header_end = data.index(b"\n", header_start)
    names, delimiter = _header(file, data[header_start:header_end].decode().strip("\r"))
    start = header_end + 1
    if start >= len(data):
        raise UserError(f"{file}: holds a header and no rows: export it again with its rows")
    empty = pl.DataFrame(schema=BROKEN)
    return _split_lines(TextTable(file, names, delimiter, data[start:], np.arange(0), empty, 0), header_line)


def _header(file: File, line: str) -> tuple[tuple[str, ...], str]:
    """The column names and the delimiter of the first line."""
    delimiter = max(DELIMITERS, key=line.count)
    if not line.count(delimiter):
        raise UserError(
            f"{file}: is not a table: its first line {line[:40]!r} has no comma, semicolon or tab; "
            "a header like `date,sales` must come first"
        )
    names = tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter)))
    twice = sorted({n for n in names if n and names.count(n) > 1})
    if twice:
        raise UserError(f"{file}: two columns of the header are called {twice[0]!r}: rename one")
    return names, delimiter


def _split_lines(text: TextTable, header_line: int) -> TextTable:
    """Set aside empty lines, those with too few or too many cells, and those with misplaced quotes.

    Raises UserError when most lines are bad: then the file is no table.
    """
    shape = line_shape(text.body, text.delimiter)
    bad = shape.filled & ((shape.cells != len(text.names)) | ~shape.well_quoted)
    if bad.sum() > max(1, shape.filled.sum() // 2):
        raise UserError(_not_a_table(text, shape, int(np.flatnonzero(bad)[0]), header_line))
    lines = np.arange(len(shape.ends), dtype=np.int64) + header_line + 1
    good = shape.filled & ~bad
    body, broken = select_lines(text.body, shape, good), _broken_lines(text, shape, bad, lines)
    return replace(text, body=body, lines=lines[good], broken=broken, empty=int((~shape.filled).sum()))


def _broken_lines(text: TextTable, shape: LineShape, bad: NDArray[np.bool_], lines: NDArray[np.int64]) -> pl.DataFrame:
    """[line, row, fault] of the bad lines."""
    indices = np.flatnonzero(bad)
    rows = [text.body[shape.starts[i] : shape.ends[i]].decode().rstrip("\r") for i in indices]
    faults = ["cells" if shape.well_quoted[i] else "quotes" for i in indices]
    return pl.DataFrame({"line": lines[bad], "row": rows, "fault": faults}, schema=BROKEN)


def _not_a_table(text: TextTable, shape: LineShape, row: int, header_line: int) -> str:
    line = f"{text.file}: is not a table: line {row + header_line + 1}"
    if not shape.well_quoted[row]:
        return f'{line} and most have a quote (") that does not enclose a complete cell: keep a row on one line'
    return (
        f"{line} has {shape.cells[row]} cells, the header has {len(text.names)}, and most lines differ likewise: "
        "every line needs the cells of the header"
    )


def read_lines(file: File, numbers: Sequence[int]) -> list[str]:
    """The physical lines of a text file with these 1-based numbers, unchanged."""
    lines = read_text_bytes(file).split(b"\n")
    return [lines[n - 1].decode().rstrip("\r") for n in numbers]
