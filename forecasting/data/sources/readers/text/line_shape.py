"""The shape of delimited text: `line_shape` takes bytes, the delimiter and a number of cells, and returns a LineShape.

It has one value per record: a line, or several where a quoted cell holds line breaks. `select_records` returns the
bytes of chosen records. The text is one NumPy array of bytes, so that millions of lines are checked without a loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from forecasting.data.sources.readers.text.quoting import (
    NEWLINE,
    NONE,
    Bools,
    Bytes,
    Ints,
    Quoting,
    any_of,
    find_quoting,
)

BLANK = b' \t\r\n"'


@dataclass(frozen=True)
class LineShape:
    """One value per record: where it starts and ends (at its newline), how many lines lie before it, its number of
    cells, whether any character is not blank, and whether a reader of CSV understands its quotes.

    `literal` are the positions of quotes that are characters of their cells although they are not written as two.
    """

    starts: Ints
    ends: Ints
    lines: Ints
    cells: Ints
    filled: Bools
    well_quoted: Bools
    literal: Ints = field(default_factory=lambda: NONE)


def line_shape(body: bytes, delimiter: str, width: int) -> LineShape:
    """The shape of the records of `body`, which ends with a newline; `width` is the number of cells of a good record.

    A quoted cell may hold line breaks where that makes a record of `width` cells; else each of its lines is a record,
    so that a quote which nobody closes spoils its own line alone.
    """
    characters = np.frombuffer(body, np.uint8)
    if b'"' not in body:
        ends = np.flatnonzero(characters == NEWLINE)
        cells = _cells(np.flatnonzero(characters == ord(delimiter)), ends)
        starts = _starts(ends)
        filled = _filled(characters, starts, delimiter)
        return LineShape(starts, ends, np.arange(len(ends)), cells, filled, np.ones(len(ends), bool))
    quoting = find_quoting(body, delimiter)
    resets = _resets(characters, quoting, delimiter, width)
    return _shape(characters, find_quoting(body, delimiter, resets) if len(resets) else quoting, delimiter, resets)


def _shape(characters: Bytes, quoting: Quoting, delimiter: str, resets: Ints) -> LineShape:
    newline = characters == NEWLINE
    open_ends = resets[quoting.inside[resets]]
    newlines = np.flatnonzero(newline)
    newline &= ~quoting.inside
    newline[open_ends] = True
    ends = np.flatnonzero(newline)
    starts = _starts(ends)
    lines = np.arange(len(ends)) if len(ends) == len(newlines) else np.searchsorted(newlines, starts)
    cells = _cells(np.flatnonzero((characters == ord(delimiter)) & ~quoting.inside), ends)
    well_quoted = np.ones(len(ends), bool)
    well_quoted[np.searchsorted(ends, np.concatenate([open_ends, quoting.unreadable]))] = False
    filled = _filled(characters, starts, delimiter)
    return LineShape(starts, ends, lines, cells, filled, well_quoted, quoting.literal)


def _resets(characters: Bytes, quoting: Quoting, delimiter: str, width: int) -> Ints:
    """The newlines of records over several lines that are not what they seem: at each of them a new record begins.

    Such a record has other than `width` cells, holds a quote that is not written as two, is never closed, or most of
    its lines would be good records by themselves.
    """
    newlines = np.flatnonzero(characters == NEWLINE)
    within = quoting.inside[newlines]
    if not within.any():
        return NONE
    ends = newlines[~within]
    if not len(ends) or ends[-1] != newlines[-1]:
        ends = np.append(ends, newlines[-1])
    record_of_line = np.searchsorted(ends, newlines)
    lines = np.bincount(record_of_line, minlength=len(ends))
    several = lines > 1
    delimiters = characters == ord(delimiter)
    complete = _cells(np.flatnonzero(delimiters), newlines) == width
    n_complete = np.bincount(record_of_line[complete], minlength=len(ends))
    wrong = _cells(np.flatnonzero(delimiters & ~quoting.inside), ends) != width
    wrong |= (n_complete > 1) & (2 * n_complete >= lines)
    wrong[np.searchsorted(ends, np.concatenate([quoting.odd, quoting.unreadable]))] = True
    if within[-1]:
        several[-1] = wrong[-1] = True
    resets: Ints = newlines[(several & wrong)[record_of_line]]
    return resets


def _starts(ends: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])


def _cells(delimiters: Ints, ends: Ints) -> Ints:
    """The number of cells before each end, from the positions of delimiters."""
    return np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1


def _filled(characters: Bytes, starts: Ints, delimiter: str) -> Bools:
    """Whether a record holds more than blanks."""
    not_blank = ~any_of(*BLANK, ord(delimiter))
    return np.logical_or.reduceat(not_blank[characters], starts)


def select_records(body: bytes, shape: LineShape, chosen: Bools, stand_in: bytes | None) -> bytes:
    """The bytes of the chosen records, with `stand_in` (one byte) for quotes that are characters of their cells."""
    if chosen.all() and not len(shape.literal):
        return body
    characters = np.frombuffer(body, np.uint8)
    if len(shape.literal) and stand_in:
        characters = characters.copy()
        characters[shape.literal] = stand_in[0]
    return characters[np.repeat(chosen, np.diff(shape.ends, prepend=-1))].tobytes()
