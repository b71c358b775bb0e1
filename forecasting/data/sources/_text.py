"""Delimited text as columns of String that know their physical lines; nothing is cast or guessed here."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.data.sources._files import content
from forecasting.errors import UserError

DELIMITERS = (",", ";", "\t", "|")
BLANK = b' \t\r\n"'
QUOTE, NEWLINE = 34, 10


@dataclass(frozen=True)
class Text:
    """A text table: the cells of its good lines, and what its other lines are.

    `first` is the physical line of the header; `lines` are the physical lines of the rows in `body`; `broken` are
    lines with another number of cells than the header; `empty` counts lines without any character that says something.
    """

    file: Path
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
        """The broken lines as file, line, fault (`cells`), fault_value (how the line begins)."""
        tags = {"file": pl.lit(str(self.file)), "fault": pl.lit("cells"), "fault_value": pl.col("row").str.head(80)}
        return self.broken.select("line", **tags)

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


def read(file: Path) -> Text:
    """Split a text file into lines and check their shape; raises UserError when it is no table."""
    data = content(file)
    data = data if data.endswith(b"\n") else data + b"\n"
    head = len(data) - len(data.lstrip(b"\r\n"))
    first = data.count(b"\n", 0, head) + 1
    names, delimiter = _header(file, data[head : data.index(b"\n", head)].decode().strip("\r"))
    start = data.index(b"\n", head) + 1
    if start >= len(data):
        raise UserError(f"{file}: holds a header and no rows: export it again with its rows")
    return _shaped(Text(file, names, delimiter, data[start:], np.arange(0), pl.DataFrame(), 0), first)


def _header(file: Path, line: str) -> tuple[tuple[str, ...], str]:
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
    """Set aside empty lines and those with too few or too many cells."""
    signs = np.frombuffer(text.body, np.uint8)
    ends = np.flatnonzero(signs == NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    cells = _cells_per_line(text, signs, ends, first)
    says = _says_something(text.delimiter)[signs]
    filled = np.logical_or.reduceat(says, starts)
    bad = filled & (cells != len(text.names))
    if bad.sum() > max(1, filled.sum() // 2):
        raise UserError(_not_a_table(text, cells, int(np.flatnonzero(bad)[0]), first))
    lines = np.arange(len(ends), dtype=np.int64) + first + 1
    rows = [text.body[starts[i] : ends[i]].decode().rstrip("\r") for i in np.flatnonzero(bad)]
    broken = pl.DataFrame({"row": rows, "line": lines[bad]}, schema={"row": pl.String, "line": pl.Int64})
    good = filled & ~bad
    body = text.body if good.all() else signs[np.repeat(good, np.diff(ends, prepend=-1))].tobytes()
    return Text(text.file, text.names, text.delimiter, body, lines[good], broken, int((~filled).sum()))


def _not_a_table(text: Text, cells: NDArray[np.int64], row: int, first: int) -> str:
    return (
        f"{text.file}: is not a table: the header has {len(text.names)} cells, line {row + first + 1} has {cells[row]} "
        "and most lines differ likewise: every line needs the cells of the header"
    )


def _cells_per_line(text: Text, signs: NDArray[np.uint8], ends: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    marks = signs == ord(text.delimiter)
    if b'"' in text.body:
        inside = np.bitwise_xor.accumulate((signs == QUOTE).view(np.uint8)).view(bool)
        if inside[ends].any():
            line = int(np.flatnonzero(inside[ends])[0]) + first + 1
            raise UserError(
                f'{text.file}, line {line}: a quoted cell (") does not end on its line: take out the break or quote'
            )
        marks &= ~inside
    before = np.searchsorted(np.flatnonzero(marks), ends)
    return np.asarray(np.diff(before, prepend=0) + 1, dtype=np.int64)


def _says_something(delimiter: str) -> NDArray[np.bool_]:
    table = np.ones(256, dtype=bool)
    table[list(BLANK + delimiter.encode())] = False
    return table


def text_lines(file: Path, numbers: Sequence[int]) -> list[str]:
    """The physical lines of a text file by their 1-based numbers, as they came."""
    lines = content(file).split(b"\n")
    return [lines[n - 1].decode().rstrip("\r") for n in numbers]
