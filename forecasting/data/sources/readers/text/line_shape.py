"""The shape of delimited text: `line_shape` takes bytes and the delimiter and returns a LineShape, one value per line.

It holds cells, empty lines and misplaced quotes; `select_lines` returns the bytes of chosen lines. The text is one
NumPy array of bytes, so that millions of lines are checked without a loop over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

QUOTE, NEWLINE, RETURN = 34, 10, 13
BLANK = b' \t\r\n"'


@dataclass(frozen=True)
class LineShape:
    """One value per line: where it starts and ends (at its newline), its number of cells, whether any character is not
    blank, and whether quotes stand around complete cells.
    """

    starts: Ints
    ends: Ints
    cells: Ints
    filled: Bools
    well_quoted: Bools


def line_shape(body: bytes, delimiter: str) -> LineShape:
    """The shape of every line of `body`, which ends with a newline. A quoted cell ends on the line where it starts."""
    characters = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(characters == NEWLINE)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    delimiters, well_quoted = characters == ord(delimiter), np.ones(len(ends), bool)
    if b'"' in body:
        quoted, well_quoted = _quotes(characters, ends, ord(delimiter))
        delimiters &= ~quoted
    delimiters_before = np.searchsorted(np.flatnonzero(delimiters), ends)
    filled = np.logical_or.reduceat(_not_blank(delimiter)[characters], starts)
    return LineShape(starts, ends, np.diff(delimiters_before, prepend=0) + 1, filled, well_quoted)


def _quotes(characters: Bytes, ends: Ints, delimiter: int) -> tuple[Bools, Bools]:
    """Per byte, whether it is inside quotes (each line starts outside); per line, whether quotes only enclose cells."""
    quote = characters == QUOTE
    parity = np.bitwise_xor.accumulate(quote.view(np.uint8)).view(bool)
    before = np.concatenate([[False], parity[ends[:-1]]])
    inside = parity ^ np.repeat(before, np.diff(ends, prepend=-1))
    may_precede, may_follow = _any_of(delimiter, NEWLINE, QUOTE), _any_of(delimiter, NEWLINE, RETURN, QUOTE)
    opens, closes = np.flatnonzero(quote & inside), np.flatnonzero(quote & ~inside)
    odd_opens = opens[~may_precede[characters[opens - 1]] & (opens > 0)]
    odd_closes = closes[~may_follow[characters[closes + 1]]]
    well_quoted = parity[ends] == before
    well_quoted[np.searchsorted(ends, np.concatenate([odd_opens, odd_closes]))] = False
    return inside, well_quoted


def _any_of(*characters: int) -> Bools:
    """A lookup table over byte values that is true for these."""
    table = np.zeros(256, dtype=bool)
    table[list(characters)] = True
    return table


def _not_blank(delimiter: str) -> Bools:
    return ~_any_of(*BLANK, ord(delimiter))


def select_lines(body: bytes, shape: LineShape, chosen: Bools) -> bytes:
    """The bytes of the chosen lines alone; `chosen` has one value per line."""
    if chosen.all():
        return body
    characters = np.frombuffer(body, np.uint8)
    return bytes(characters[np.repeat(chosen, np.diff(shape.ends, prepend=-1))].tobytes())
