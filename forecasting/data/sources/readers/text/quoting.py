"""Which bytes of delimited text lie inside quotes: `find_quoting` takes the bytes and returns a Quoting.

A quote opens a cell where it begins one, two in a row inside are one, and it closes where its cell ends; elsewhere it
is a character like others, such as the inch mark of 27" screen. Quotes are seen as runs, and each run as a change of
state (inside or outside), so that all states follow from sums and no byte is looked at in a loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

QUOTE, NEWLINE, RETURN = 34, 10, 13
CHUNK = 1 << 21
"""How many bytes are looked at together, so that memory stays bounded; a chunk ends with a line."""
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Quoting:
    """`inside` is, per byte, whether it is in a quoted cell (either at quotes themselves); the others are positions.

    `literal` are quotes that are characters of their cells although they are not written as two, `odd` those of them
    in quoted cells. `unreadable` are quotes that close a cell before it ends, which only a person can read.
    """

    inside: Bools
    literal: Ints
    odd: Ints
    unreadable: Ints


@dataclass(frozen=True)
class _Runs:
    """Runs of quotes: their first and last positions, and whether each begins a cell, ends one, and has odd length."""

    first: Ints
    last: Ints
    begins: Bools
    ends: Bools
    odd: Bools


def find_quoting(body: bytes, delimiter: str, resets: Ints = NONE) -> Quoting:
    """The quoting of text that ends with a newline; `resets` are newlines behind which no quote of before holds."""
    characters = np.frombuffer(body, np.uint8)
    inside = np.zeros(len(characters), bool)
    found: list[tuple[Ints, Ints, Ints]] = []
    start, state = 0, 0
    while start < len(body):
        end = body.find(b"\n", start + CHUNK) + 1 or len(body)
        mine = resets[np.searchsorted(resets, start) : np.searchsorted(resets, end)] - start
        positions, state = _scan(characters[start:end], inside[start:end], ord(delimiter), mine, state)
        found.append(tuple(p + start for p in positions))  # type: ignore[arg-type]
        start = end
    return Quoting(inside, *(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _scan(
    characters: Bytes, inside: Bools, delimiter: int, resets: Ints, state: int
) -> tuple[tuple[Ints, Ints, Ints], int]:
    """Fill `inside` for a chunk that begins in `state` (1: inside a quoted cell).

    Returns the positions of literal, odd and unreadable quotes, and the state at the end.
    """
    runs = _runs(characters, delimiter)
    places = np.concatenate([runs.last, resets])
    order = np.argsort(places, kind="stable") if len(resets) else np.arange(len(places))
    toggles = np.concatenate([runs.odd & runs.begins & runs.ends, np.zeros(len(resets), bool)])[order]
    enters = np.concatenate([runs.odd & runs.begins & ~runs.ends, np.zeros(len(resets), bool)])[order]
    leaves = np.concatenate([runs.odd & ~runs.begins & runs.ends, np.ones(len(resets), bool)])[order]
    states = _states(toggles, enters, leaves, state)
    lengths = np.diff(places[order] + 1, prepend=0, append=len(characters))
    inside[:] = np.repeat(states, lengths)
    before = np.empty(len(runs.last), bool)
    from_runs = order < len(runs.last)
    before[order[from_runs]] = states[:-1][from_runs]
    return _positions(runs, before), int(states[-1])


def _states(toggles: Bools, enters: Bools, leaves: Bools, state: int) -> Bools:
    """The state before the first event and after each one: the last that was set, and turned by each toggle since."""
    index = np.arange(1, len(toggles) + 1)
    last_set = np.maximum.accumulate(np.concatenate([[0], np.where(enters | leaves, index, 0)]))
    turned = np.concatenate([[0], np.cumsum(toggles)])
    value = np.concatenate([[state == 1], enters])
    return np.asarray(value[last_set] ^ ((turned - turned[last_set]) % 2 == 1), bool)


def _runs(characters: Bytes, delimiter: int) -> _Runs:
    quotes = np.flatnonzero(characters == QUOTE)
    breaks = np.flatnonzero(np.diff(quotes) != 1)
    first = quotes[np.concatenate([[0], breaks + 1])] if len(quotes) else NONE
    last = quotes[np.concatenate([breaks, [len(quotes) - 1]])] if len(quotes) else NONE
    may_precede, may_follow = any_of(delimiter, NEWLINE), any_of(delimiter, NEWLINE, RETURN)
    begins = may_precede[characters[first - 1]] | (first == 0)
    return _Runs(first, last, begins, may_follow[characters[last + 1]], (last - first) % 2 == 0)


def _positions(runs: _Runs, inside: Bools) -> tuple[Ints, Ints, Ints]:
    """Positions of literal, odd and unreadable quotes, by the state before each run."""
    within = ~inside & ~runs.begins
    stray = inside & runs.odd & ~runs.ends
    whole = np.repeat(runs.first[within], (runs.last - runs.first + 1)[within])
    counts = (runs.last - runs.first + 1)[within]
    offsets = np.arange(len(whole)) - np.repeat(np.cumsum(counts) - counts, counts)
    literal = np.sort(np.concatenate([whole + offsets, runs.last[stray]]))
    return literal, runs.last[stray], runs.last[~inside & runs.begins & ~runs.odd & ~runs.ends]


def any_of(*characters: int) -> Bools:
    """A lookup table over byte values that is true for these."""
    table = np.zeros(256, dtype=bool)
    table[list(characters)] = True
    return table
