"""Delimited text as columns of String that know their physical lines; nothing is cast or guessed here."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.data.sources.readers.files import content
from forecasting.data.sources.readers.line_shape import Shape, lines_of, shape
from forecasting.errors import UserError
from forecasting.io.storage import File

DELIMITERS = (",", ";", "\t", "|")
BROKEN = {"line": pl.Int64, "row": pl.String, "fault": pl.String}


@dataclass(frozen=True)
class Text:
    """A text table: the cells of its good lines, and what its other lines are.

    `lines` are the physical lines of the rows in `body`; `broken` (line, row, fault) are lines with another number of
    cells than the header, or with misplaced quotes; `empty` counts lines without any character that says something.
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
        """Lines below the header."""
        return len(self.lines) + self.broken.height + self.empty

    def require(self, columns: Sequence[str]) -> None:
        """Raise UserError when one of the columns is missing."""
        missing = [c for c in columns if c not in self.names]
        if missing:
            raise UserError(f"{self.file}: has no column {missing[0]!r}; it has: {', '.join(self.names[:20])}")

    def faulty(self) -> pl.DataFrame:
        """The broken lines as line, fault (`cells` or `quotes`), file, fault_value (how the line begins)."""
        start = pl.col("row").str.head(80)
        return self.broken.select("line", "fault", file=pl.lit(str(self.file)), fault_value=start)

    def cells(self, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns, all String, with `file` and `line` (Int64)."""
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
        taken = [pl.col(str(self.names.index(c))).alias(c) for c in columns]
        return frame.select(*taken, pl.lit(str(self.file)).alias("file"), pl.Series("line", self.lines))


def read(file: File) -> Text:
    """Split a text file into lines and check their shape; raises UserError when it is no table."""
    data = content(file)
    data = data if data.endswith(b"\n") else data + b"\n"
    head = len(data) - len(data.lstrip(b"\r\n"))
    first = data.count(b"\n", 0, head) + 1
    names, delimiter = _header(file, data[head : data.index(b"\n", head)].decode().strip("\r"))
    start = data.index(b"\n", head) + 1
    if start >= len(data):
        raise UserError(f"{file}: holds a header and no rows: export it again with its rows")
    return _shaped(Text(file, names, delimiter, data[start:], np.arange(0), pl.DataFrame(schema=BROKEN), 0), first)


def _header(file: File, line: str) -> tuple[tuple[str, ...], str]:
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


def _shaped(text: Text, first: int) -> Text:
    """Set aside empty lines, those with too few or too many cells, and those with quotes in the wrong places."""
    found = shape(text.body, text.delimiter)
    bad = found.filled & ((found.cells != len(text.names)) | ~found.quoted_well)
    if bad.sum() > max(1, found.filled.sum() // 2):
        raise UserError(_not_a_table(text, found, int(np.flatnonzero(bad)[0]), first))
    lines = np.arange(len(found.ends), dtype=np.int64) + first + 1
    good = found.filled & ~bad
    body = lines_of(text.body, found, good)
    return replace(
        text, body=body, lines=lines[good], broken=_broken(text, found, bad, lines), empty=int((~found.filled).sum())
    )


def _broken(text: Text, found: Shape, bad: NDArray[np.bool_], lines: NDArray[np.int64]) -> pl.DataFrame:
    """line, row, fault of the bad lines."""
    at = np.flatnonzero(bad)
    rows = [text.body[found.starts[i] : found.ends[i]].decode().rstrip("\r") for i in at]
    faults = ["cells" if found.quoted_well[i] else "quotes" for i in at]
    return pl.DataFrame({"line": lines[bad], "row": rows, "fault": faults}, schema=BROKEN)


def _not_a_table(text: Text, found: Shape, row: int, first: int) -> str:
    line = f"{text.file}: is not a table: line {row + first + 1}"
    if not found.quoted_well[row]:
        return f'{line} and most have a quote (") that does not stand around a whole cell: keep a row on one line'
    return (
        f"{line} has {found.cells[row]} cells, the header has {len(text.names)}, and most lines differ likewise: "
        "every line needs the cells of the header"
    )


def text_lines(file: File, numbers: Sequence[int]) -> list[str]:
    """The physical lines of a text file by their 1-based numbers, as they came."""
    lines = content(file).split(b"\n")
    return [lines[n - 1].decode().rstrip("\r") for n in numbers]
