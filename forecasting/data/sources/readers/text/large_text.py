"""Large text files: `open_large_text` takes a file and returns a LargeText, whose records are read chunk by chunk.

Chunks end where a record does. None comes back for what only the whole file tells: another encoding than UTF-8, quotes
that do not enclose cells, compressed files; these are read at once (`text_table`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from forecasting.data.sources.readers.header import Wanted
from forecasting.data.sources.readers.raw_bytes import Readable
from forecasting.data.sources.readers.text.decoding import decode
from forecasting.data.sources.readers.text.line_shape import LineShape, line_shape
from forecasting.data.sources.readers.text.text_layout import find_layout
from forecasting.data.sources.readers.text.text_table import (
    NO_LINES,
    NONE_BROKEN,
    TextTable,
    is_bad,
    record,
    with_records,
)
from forecasting.errors import UserError

CHUNK = 32_000_000
"""Bytes of a chunk; smaller files are read at once."""
LONGEST = 1_000
"""So many lines at most are added to a chunk to come to the end of a record."""
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Chunk:
    """Some records of a file: its bytes from `start` to `end`, the line of the first one, how many records there are,
    and whether the file ends here.
    """

    start: int
    end: int
    line: int
    records: int
    is_last: bool


@dataclass(frozen=True)
class LargeText(TextTable):
    """A text file that is not held in memory; `body` and `lines` are empty."""

    chunks: tuple[Chunk, ...] = ()

    @property
    def rows(self) -> int:
        """The number of records below the header."""
        return sum(chunk.records for chunk in self.chunks)

    def parts(self) -> list[LargeText]:
        """The chunks as tables of their own; none of them counts the empty lines."""
        return [replace(self, chunks=(chunk,), broken=self._broken_in(chunk), empty=0) for chunk in self.chunks]

    def cells(self, columns: Sequence[str]) -> pl.DataFrame:
        """As of a TextTable."""
        return pl.concat([self._read_chunk(chunk).cells(columns) for chunk in self.chunks])

    def head(self, rows: int, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns of the first good lines, as text."""
        return self._read_chunk(self.chunks[0]).head(rows, columns)

    def _read_chunk(self, chunk: Chunk) -> TextTable:
        body, shape = _records(self.file, chunk, self.delimiter, len(self.names))
        table = TextTable(
            self.file, self.names, self.delimiter, b"", NO_LINES, NONE_BROKEN, 0, self.read_again, self.remarks
        )
        return with_records(table, body, shape, chunk.line)

    def _broken_in(self, chunk: Chunk) -> pl.DataFrame:
        after = next((other.line for other in self.chunks if other.line > chunk.line), None)
        rows = self.broken.filter(pl.col("line") >= chunk.line)
        return rows if after is None else rows.filter(pl.col("line") < after)


def open_large_text(file: Readable, wanted: Wanted = (), encoding: str | None = None) -> LargeText | None:
    """A large text file; None for a small one, and for one that is not read chunk by chunk."""
    if not isinstance(file, Path) or encoding or not file.is_file() or file.stat().st_size <= CHUNK:
        return None
    with file.open("rb") as source:
        blocks = _blocks(source, file.stat().st_size)
        first = next(blocks, None)
        if first is None or not _is_plain(file, first):
            return None
        start = len(BOM) if first.startswith(BOM) else 0
        layout = find_layout(file, first[start:], wanted)
        again = partial(_read_again, file, (), layout.delimiter, len(layout.names))
        table = LargeText(file, layout.names, layout.delimiter, b"", NO_LINES, NONE_BROKEN, 0, again, layout.remarks)
        return _with_chunks(table, start + layout.start, layout.line, first, blocks)


def _is_plain(file: Readable, first: bytes) -> bool:
    """Whether the first block is UTF-8 text; files of other kinds are left to those who know them."""
    try:
        return decode(file, first).data == first.removeprefix(BOM)
    except UserError:
        return False


def _blocks(source: BinaryIO, size: int) -> Iterator[bytes | None]:
    """The bytes of a file in blocks of about the same size, each up to the end of a record; None where quotes or bytes
    are not those of a plain text, which ends the iteration.
    """
    some = size // max(1, size // CHUNK) + 1
    while block := source.read(some):
        block += source.readline()
        lines = 0
        while block.count(b'"') % 2 and (more := source.readline()) and lines < LONGEST:
            block, lines = block + more, lines + 1
        if block.count(b'"') % 2 or b"\x00" in block or b"\r" in block.replace(b"\r\n", b"") or not _is_utf8(block):
            yield None
            return
        yield block


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _with_chunks(
    table: LargeText, start: int, line: int, first: bytes, blocks: Iterator[bytes | None]
) -> LargeText | None:
    """The table with the chunks of all blocks; None where one of them is no plain text, or most records are bad."""
    chunks: list[Chunk] = []
    broken, empty, bad, filled, at = [], 0, 0, 0, 0
    for block in _chained(first, blocks):
        if block is None:
            return None
        at += len(block)
        body = _with_end(block[start - (at - len(block)) :] if not chunks else block)
        shape = line_shape(body, table.delimiter, len(table.names))
        if len(shape.literal) or not shape.well_quoted.all():
            return None
        chunks.append(Chunk(start if not chunks else at - len(block), at, line, len(shape.starts), is_last=False))
        records = with_records(table, body, shape, line)
        broken.append(records.broken)
        bad, filled = bad + int(is_bad(shape, len(table.names)).sum()), filled + int(shape.filled.sum())
        empty, line = empty + records.empty, line + body.count(b"\n")
    if bad > max(1, filled // 2):
        return None
    chunks[-1] = replace(chunks[-1], is_last=True)
    again = partial(_read_again, table.file, tuple(chunks), table.delimiter, len(table.names))
    return replace(table, chunks=tuple(chunks), broken=pl.concat(broken), empty=empty, read_again=again)


def _chained(first: bytes, others: Iterator[bytes | None]) -> Iterator[bytes | None]:
    yield first
    yield from others


def _with_end(body: bytes) -> bytes:
    return body if body.endswith(b"\n") else body + b"\n"


def _records(file: Readable, chunk: Chunk, delimiter: str, width: int) -> tuple[bytes, LineShape]:
    """The bytes of a chunk and their shape."""
    assert isinstance(file, Path)
    with file.open("rb") as source:
        source.seek(chunk.start)
        body = _with_end(source.read(chunk.end - chunk.start))
    return body, line_shape(body, delimiter, width)


def _read_again(
    file: Readable, chunks: Sequence[Chunk], delimiter: str, width: int, numbers: Sequence[int]
) -> list[str]:
    """The records that begin on these lines, as they are in the file."""
    found: dict[int, str] = {}
    ends = [*(chunk.line for chunk in chunks[1:]), np.inf]
    for chunk, end in zip(chunks, ends, strict=True):
        mine = [n for n in numbers if chunk.line <= n < end]
        if mine:
            body, shape = _records(file, chunk, delimiter, width)
            places = np.searchsorted(shape.lines + chunk.line, mine).astype(np.int64)
            found |= {n: record(body, shape, i) for n, i in zip(mine, places, strict=True)}
    return [found[n] for n in numbers]
