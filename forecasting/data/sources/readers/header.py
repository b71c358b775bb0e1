"""Where a table begins in a grid of cells: `find_header` takes its first records and returns the index of the header.

Titles and notes may stand above it. `wanted` are the names that the header must hold (each with its other names); where
they are unknown, the header is what stands above the first record whose cells have the kinds of their columns.
`fold_name` makes names comparable: without regard to case and spaces.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from forecasting.errors import UserError

Kind = Literal["date", "number", "text"]
Records = Sequence[Sequence[str]]
Wanted = Sequence[frozenset[str]]
"""Sets of folded names; a header holds one of each set."""

MONTH = (
    "jan|ene|gen|feb|fev|fév|mar|mär|mrt|apr|avr|abr|mai|may|mei|mag|jun|jui|giu|jul|lug|aug|aoû|aou|ago|sep|set|oct|okt|"
    "ott|out|nov|dec|dez|déc|dic"
)
DATE = re.compile(
    rf"(\d{{1,4}}([-./ ])\d{{1,2}}\2\d{{1,4}}|\d{{4}}[-/]\d{{1,2}}|\d{{1,2}}[-/]\d{{4}}|\d{{4}}-?W\d{{1,2}}(-?\d)?|"
    r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|"
    rf"(\d{{1,2}}[-. ]+)?({MONTH})[^\W\d]*[-. ]+'?(\d{{2}}|\d{{4}}))([ T]+\d{{1,2}}[:.]\d{{2}}.*)?$",
    re.IGNORECASE,
)
"""How dates are written, well enough to tell them from numbers and names."""
NUMBER = re.compile(r"[-+(]?[^\w\s]?\s?\d[\d.,' \u00a0\u202f]*\s?[^\w\s]?\)?$")
TYPED = 0.6
"""The least share of a column's cells that are dates, or numbers, for these to be its kind."""


class NotATableError(UserError):
    """A file or sheet without a header and rows, such as a note."""


def clean_name(name: str) -> str:
    """A name as it is shown: without spaces around, on one line."""
    return " ".join(name.split())


def fold_name(name: str) -> str:
    """The name in small letters, without spaces around and with single ones inside."""
    return clean_name(name).casefold()


def holds(names: Sequence[str], wanted: Wanted) -> bool:
    """Whether the names hold one of each set of wanted names."""
    folded = {fold_name(name) for name in names}
    return all(names & folded for names in wanted)


def find_header(records: Records, wanted: Wanted) -> int:
    """The index of the header among the records, none of which is empty; the first one where nothing is recognised."""
    named = [i for i, record in enumerate(records) if wanted and holds(record, wanted)]
    if named:
        return named[0]
    width = usual_width(records)
    kinds = column_kinds(records, width)
    fitting = [i for i, record in enumerate(records) if _fits(record, kinds, width)]
    if not kinds or not fitting:
        pairs = pairwise(records)
        return next((i for i, (one, other) in enumerate(pairs) if len(one) == len(other) == width), 0)
    return _above(records, fitting[0], width)


def usual_width(records: Records) -> int:
    """The most frequent number of cells of records with more than one, the larger of two; 1 where there are none."""
    counts = Counter(len(record) for record in records if len(record) > 1)
    return max(counts, key=lambda width: (counts[width], width), default=1)


def column_kinds(records: Records, width: int) -> dict[int, Kind]:
    """Column -> date or number, where most cells are that, over the records of this width."""
    kinds: dict[int, Kind] = {}
    for column in range(width):
        found = Counter(kind_of(r[column]) for r in records if len(r) == width and r[column].strip())
        kind, n = found.most_common(1)[0] if found else ("text", 0)
        if kind != "text" and n >= TYPED * found.total():
            kinds[column] = kind
    return kinds


def kind_of(cell: str) -> Kind:
    """Whether a cell looks like a date, a number, or neither."""
    cell = cell.strip()
    return "date" if DATE.match(cell) else "number" if NUMBER.match(cell) else "text"


def _fits(record: Sequence[str], kinds: dict[int, Kind], width: int) -> bool:
    """Whether the cells of a record have the kinds of their columns, and one at least is not empty."""
    if len(record) != width:
        return False
    typed = [(record[column], kind) for column, kind in kinds.items() if record[column].strip()]
    return bool(typed) and all(kind_of(cell) == kind for cell, kind in typed)


def _above(records: Records, first: int, width: int) -> int:
    """The first record of names among those next above the first row, which have as many cells."""
    whole = [i for i in range(first) if len(records[i]) == width]
    if not whole:
        return first - 1 if first and len(records[first - 1]) > 1 else first
    end = start = whole[-1]
    while start and len(records[start - 1]) == width:
        start -= 1
    names = [i for i in range(start, end) if sum(bool(cell.strip()) for cell in records[i]) >= TYPED * width]
    return next(iter(names), end)
