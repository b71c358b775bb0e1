"""The shape of delimited text: which lines are rows, found by looking at all its bytes at once."""

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
class Shape:
    """Per line: where it starts and ends (its newline), its cells, whether it says anything, whether quotes fit."""

    starts: Ints
    ends: Ints
    cells: Ints
    filled: Bools
    quoted_well: Bools


def shape(body: bytes, delimiter: str) -> Shape:
    """The shape of `body`, which ends with a newline. A quoted cell ends on its own line."""
    signs = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(signs == NEWLINE)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    marks, well = signs == ord(delimiter), np.ones(len(ends), bool)
    if b'"' in body:
        inside, well = _quotes(signs, ends, ord(delimiter))
        marks &= ~inside
    before = np.searchsorted(np.flatnonzero(marks), ends)
    filled = np.logical_or.reduceat(_says_something(delimiter)[signs], starts)
    return Shape(starts, ends, np.diff(before, prepend=0) + 1, filled, well)


def _quotes(signs: Bytes, ends: Ints, delimiter: int) -> tuple[Bools, Bools]:
    """Which bytes are inside quotes, counted anew on each line; and which lines have quotes only around whole cells."""
    quote = signs == QUOTE
    parity = np.bitwise_xor.accumulate(quote.view(np.uint8)).view(bool)
    before = np.concatenate([[False], parity[ends[:-1]]])
    inside = parity ^ np.repeat(before, np.diff(ends, prepend=-1))
    may_precede, may_follow = _any_of(delimiter, NEWLINE, QUOTE), _any_of(delimiter, NEWLINE, RETURN, QUOTE)
    opens, closes = np.flatnonzero(quote & inside), np.flatnonzero(quote & ~inside)
    odd_opens = opens[~may_precede[signs[opens - 1]] & (opens > 0)]
    odd_closes = closes[~may_follow[signs[closes + 1]]]
    well = parity[ends] == before
    well[np.searchsorted(ends, np.concatenate([odd_opens, odd_closes]))] = False
    return inside, well


def _any_of(*signs: int) -> Bools:
    table = np.zeros(256, dtype=bool)
    table[list(signs)] = True
    return table


def _says_something(delimiter: str) -> Bools:
    return ~_any_of(*BLANK, ord(delimiter))


def lines_of(body: bytes, shape: Shape, chosen: Bools) -> bytes:
    """The chosen lines alone."""
    if chosen.all():
        return body
    signs = np.frombuffer(body, np.uint8)
    return bytes(signs[np.repeat(chosen, np.diff(shape.ends, prepend=-1))].tobytes())
