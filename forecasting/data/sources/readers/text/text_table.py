"""Delimited text: `read_text` takes a file and returns a TextTable, whose `cells` gives columns of String by row.

Nothing is cast or inferred but the layout (delimiter, header). Every row has its physical line, the first one where it
takes several; broken lines are set aside in `TextTable.broken`. `read_lines` reads chosen lines again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.data.sources.readers.header import NotATableError, Wanted, holds
from forecasting.data.sources.readers.raw_bytes import Readable, read_bytes
from forecasting.data.sources.readers.text.decoding import decode
from forecasting.data.sources.readers.text.line_shape import LineShape, line_shape, select_records
from forecasting.data.sources.readers.text.text_layout import TextLayout, find_layout
from forecasting.errors import UserError
from forecasting.remarks import Remark

Remarks = tuple[Remark, ...]
BROKEN = {"line": pl.Int64, "row": pl.String, "fault": pl.String}
NONE_BROKEN, NO_LINES = pl.DataFrame(schema=BROKEN), np.empty(0, np.int64)
STAND_INS = bytes([1, 2, 3, 4, 5, 6, 7, 14, 15, 16])
"""Bytes that no text needs: one stands for quotes that are characters of their cells while these are read."""


@dataclass(frozen=True)
class TextTable:
    """A text file with a header: the cells of its good records, and its broken and empty lines.

    `body` holds the good records and `lines` their physical line numbers. `broken` [line, row, fault] are the records
    with another number of cells than the header or with misplaced quotes; `empty` counts lines without content.
    `stand_in` stands for quotes in `body` that are characters of their cells. `remarks` (without the name of the file)
    tell how it was understood, and `read_again` returns the records that begin on some lines as they are in the file.
    """

    file: Readable
    names: tuple[str, ...]
    delimiter: str
    body: bytes
    lines: NDArray[np.int64]
    broken: pl.DataFrame
    empty: int
    read_again: Callable[[Sequence[int]], list[str]]
    remarks: Remarks = ()
    stand_in: bytes | None = None

    @property
    def rows(self) -> int:
        """The number of records below the header."""
        return len(self.lines) + self.broken.height + self.empty

    def with_names(self, names: tuple[str, ...]) -> TextTable:
        """The same cells under other names of their columns."""
        return replace(self, names=names)

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
        """The named columns of the good lines, all String, with `file` and `line` (Int64).

        Raises UserError when two columns of the header have one of these names.
        """
        for column in columns:
            if self.names.count(column) > 1:
                raise UserError(f"{self.file}: two columns of the header are called {column!r}: rename one")
        if not len(self.lines):
            return pl.DataFrame(schema=dict.fromkeys((*columns, "file"), pl.String) | {"line": pl.Int64})
        cells = self._read(columns, None)
        return cells.with_columns(pl.lit(str(self.file)).alias("file"), pl.Series("line", self.lines))

    def head(self, rows: int, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns of the first good lines, as text."""
        return self._read(columns, rows) if len(self.lines) else pl.DataFrame(schema=dict.fromkeys(columns, pl.String))

    def _read(self, columns: Sequence[str], rows: int | None) -> pl.DataFrame:
        frame = pl.read_csv(
            self.body,
            has_header=False,
            schema={str(i): pl.String for i in range(len(self.names))},
            separator=self.delimiter,
            quote_char='"' if b'"' in self.body else None,
            n_rows=rows,
        )
        return frame.select(self._with_quotes(pl.col(str(self.names.index(c)))).alias(c) for c in columns)

    def _with_quotes(self, cell: pl.Expr) -> pl.Expr:
        return cell.str.replace_all(self.stand_in.decode(), '"', literal=True) if self.stand_in else cell


def read_text(file: Readable, wanted: Wanted = (), encoding: str | None = None) -> TextTable:
    """Read a text file, find its header and check the shape of its lines; raises UserError when it is no table.

    `wanted` are names that the header must hold; `encoding` is that of the file where its bytes do not show it.
    """
    return parse_text(file, read_bytes(file), wanted, encoding)


def parse_text(file: Readable, content: bytes, wanted: Wanted, encoding: str | None) -> TextTable:
    """The table of the content of a text file, such as a member of an archive; see `read_text`."""
    data, layout, remarks = _open(file, content, wanted, encoding)
    body = data[layout.start :]
    if not body:
        error = UserError if holds(layout.names, wanted) else NotATableError
        raise error(f"{file}: holds a header and no rows: export it again with its rows")
    shape = line_shape(body, layout.delimiter, len(layout.names))
    bad = is_bad(shape, len(layout.names))
    if bad.sum() > max(1, shape.filled.sum() // 2):
        raise UserError(_not_a_table(file, layout, shape, int(np.flatnonzero(bad)[0])))
    read_again = partial(read_lines, file, wanted=wanted, encoding=encoding)
    table = TextTable(file, layout.names, layout.delimiter, b"", NO_LINES, NONE_BROKEN, 0, read_again, remarks)
    return with_records(table, body, shape, layout.line)


def with_records(table: TextTable, body: bytes, shape: LineShape, first: int) -> TextTable:
    """The table with the records of a body, the first of which is on line `first`."""
    bad = is_bad(shape, len(table.names))
    good, lines = shape.filled & ~bad, shape.lines + first
    stand_in = next(bytes([b]) for b in STAND_INS if b not in body) if len(shape.literal) else None
    return replace(
        table,
        body=select_records(body, shape, good, stand_in),
        lines=lines[good],
        broken=_broken_lines(body, shape, bad, lines),
        empty=int((~shape.filled).sum()),
        stand_in=stand_in,
    )


def is_bad(shape: LineShape, width: int) -> NDArray[np.bool_]:
    """Whether each record has another number of cells, or misplaced quotes; empty lines are not bad."""
    bad: NDArray[np.bool_] = shape.filled & ((shape.cells != width) | ~shape.well_quoted)
    return bad


def _open(file: Readable, content: bytes, wanted: Wanted, encoding: str | None) -> tuple[bytes, TextLayout, Remarks]:
    """The text of a file, which ends with a newline, its layout, and remarks on both."""
    text = decode(file, content, encoding)
    data = text.data if text.data.endswith(b"\n") else text.data + b"\n"
    layout = find_layout(file, data, wanted)
    return data, layout, (*text.remarks, *layout.remarks)


def _broken_lines(body: bytes, shape: LineShape, bad: NDArray[np.bool_], lines: NDArray[np.int64]) -> pl.DataFrame:
    """[line, row, fault] of the bad records."""
    indices = np.flatnonzero(bad)
    rows = [record(body, shape, i) for i in indices]
    faults = ["cells" if shape.well_quoted[i] else "quotes" for i in indices]
    return pl.DataFrame({"line": lines[bad], "row": rows, "fault": faults}, schema=BROKEN)


def record(body: bytes, shape: LineShape, index: np.int64) -> str:
    """A record as it is in the file."""
    return body[shape.starts[index] : shape.ends[index]].decode().rstrip("\r")


def _not_a_table(file: Readable, layout: TextLayout, shape: LineShape, row: int) -> str:
    line = f"{file}: is not a table: line {shape.lines[row] + layout.line}"
    if not shape.well_quoted[row]:
        return f'{line} and most have a quote (") that does not enclose a complete cell: write it as two ("")'
    return (
        f"{line} has {shape.cells[row]} cells, the header has {len(layout.names)}, and most lines differ likewise: "
        "every line needs the cells of the header"
    )


def read_lines(file: Readable, numbers: Sequence[int], wanted: Wanted = (), encoding: str | None = None) -> list[str]:
    """The records that begin on the physical lines with these 1-based numbers, unchanged."""
    data, layout, _ = _open(file, read_bytes(file), wanted, encoding)
    body = data[layout.start :]
    shape = line_shape(body, layout.delimiter, len(layout.names))
    return [record(body, shape, i) for i in np.searchsorted(shape.lines + layout.line, numbers).astype(np.int64)]
