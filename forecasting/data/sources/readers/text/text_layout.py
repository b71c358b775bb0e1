"""How delimited text is laid out: `find_layout` takes its bytes and returns a TextLayout (delimiter, names, first row).

It is found from the first records. A line `sep=;` says the delimiter, and titles may stand above the header.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forecasting.data.sources.readers.header import (
    NotATableError,
    Records,
    Wanted,
    clean_name,
    column_kinds,
    find_header,
    holds,
    usual_width,
)
from forecasting.data.sources.readers.raw_bytes import Readable
from forecasting.remarks import Remark

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 1 << 18
"""Bytes that are looked at, up to the end of their last line."""
RECORDS = 200
SEPARATOR = re.compile(rb'\A"?sep=(.)"?\r?\n', re.IGNORECASE)
"""The first line by which Excel knows the delimiter."""


@dataclass(frozen=True)
class TextLayout:
    """The names of the columns, the delimiter, and where the first row begins: its byte and its line (1-based).

    `remarks` (without the name of the file) tell of lines above the header.
    """

    names: tuple[str, ...]
    delimiter: str
    start: int
    line: int
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class _Record:
    """Cells, and the 1-based first and last line on which they stand."""

    cells: list[str]
    first: int
    last: int


def find_layout(file: Readable, data: bytes, wanted: Wanted) -> TextLayout:
    """The layout of text that ends with a newline; raises UserError when it is no table."""
    declared = SEPARATOR.match(data)
    sample = data[: data.index(b"\n", min(SAMPLE, len(data) - 1)) + 1]
    lines = sample.decode().split("\n")[:-1]
    delimiters = (declared[1].decode(),) if declared else DELIMITERS
    skipped = 1 if declared else 0
    read = {d: [r for r in _records(lines[skipped:], d, skipped) if any(map(str.strip, r.cells))] for d in delimiters}
    delimiter = max(delimiters, key=lambda d: _score(read[d], wanted))
    records = read[delimiter]
    cells = [record.cells for record in records]
    if _is_prose(cells, wanted):
        raise NotATableError(
            f"{file}: is not a table: no comma, semicolon or tab parts its lines into columns (the first is "
            f"{lines[skipped:][0][:40]!r}); a header like `date,sales` must come first"
        )
    index = find_header(cells, wanted)
    header = records[index]
    start = sum(len(line.encode()) + 1 for line in lines[: header.last])
    names = _fit_width([clean_name(cell) for cell in header.cells], cells[index + 1 :])
    return TextLayout(names, delimiter, start, header.last + 1, _above_header(records[:index], header, lines))


def _is_prose(records: Records, wanted: Wanted) -> bool:
    """Whether records have no cells, or a varying number of them, no dates and none of the wanted names."""
    width = usual_width(records)
    if width == 1:
        return True
    if (wanted and any(holds(record, wanted) for record in records)) or "date" in column_kinds(records, width).values():
        return False
    return 2 * sum(len(record) == width for record in records) < len(records)


def _records(lines: Sequence[str], delimiter: str, skipped: int) -> Iterator[_Record]:
    """The first records of the lines; `skipped` lines stand above them."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    last = 0
    try:
        for _, cells in zip(range(RECORDS), reader, strict=False):
            yield _Record(cells, skipped + last + 1, skipped + reader.line_num)
            last = reader.line_num
    except csv.Error:  # a cell of more than 100,000 characters
        return


def _score(records: Sequence[_Record], wanted: Wanted) -> tuple[bool, float, int, int]:
    """How well a delimiter fits: whether a record holds the wanted names, the share of records with the usual number of
    cells, how many columns are dates or numbers, and the number of cells.
    """
    cells = [record.cells for record in records]
    width = usual_width(cells)
    if width == 1:
        return (False, 0.0, 0, 0)
    named = bool(wanted) and any(holds(record, wanted) for record in cells)
    share = sum(len(record) == width for record in cells) / len(cells)
    return (named, round(share, 1), len(column_kinds(cells, width)), width)


def _fit_width(names: list[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """As many names as the rows have cells, where the rest is empty: delimiters at the end of lines."""
    width = usual_width(rows)
    if len(names) > width > 1 and not any(names[width:]):
        return tuple(names[:width])
    if len(names) + 1 == width and _counts_up([row[0] for row in rows if len(row) == width]):
        return ("", *names)
    extra = [cell for row in rows if len(row) == width for cell in row[len(names) :]]
    return tuple(names) if any(map(str.strip, extra)) else tuple(names + [""] * (width - len(names)))


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether the cells are the numbers of rows, a column for which some programs write no name."""
    first = cells[0] if cells else ""
    return first in ("0", "1") and list(cells) == [str(int(first) + i) for i in range(len(cells))]


def _above_header(above: Sequence[_Record], header: _Record, lines: Sequence[str]) -> tuple[Remark, ...]:
    """A remark on lines above the header, if there are any."""
    if not above:
        return ()
    first, last = above[0].first, above[-1].last
    which, are = (f"line {first}", "is") if first == last else (f"lines {first}-{last}", "are")
    title = lines[first - 1].strip()[:40]
    message = f"{which} {are} no part of the table ({title!r}): the header is line {header.first}"
    return (Remark("files", message, "none"),)
