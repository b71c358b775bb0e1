"""`Cache` holds frames and matrices by key within a limit in bytes: `get_or_compute(key, compute)` returns the value.

It lives in memory only: nothing is written, and another process gets it empty.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Protocol, TypeVar, cast

import polars as pl


class Sized(Protocol):
    """Anything that can estimate its size in bytes, as a frame does."""

    def estimated_size(self) -> float: ...


Value = TypeVar("Value", bound=Sized)


class Keeper(Protocol):
    """Keeps frames by name where other processes find them, too."""

    def get_or_compute(self, name: str, compute: Callable[[], pl.DataFrame], /) -> pl.DataFrame:
        """The frame of that name, or else what `compute` returns, which is then kept."""


class Cache:
    """Holds at most `max_bytes`, but always the newest value; the least recently used values are dropped first.

    Threads that need the same value wait for the one that computes it. A cache is pickled without its values, so it is
    empty in another process.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._values: OrderedDict[Hashable, Sized] = OrderedDict()
        self._locks: dict[Hashable, Lock] = {}
        self._guard = Lock()

    def __reduce__(self) -> tuple[type[Cache], tuple[int]]:
        return Cache, (self.max_bytes,)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def drop(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Let go of the values whose keys are unwanted."""
        with self._guard:
            for key in [key for key in self._values if unwanted(key)]:
                del self._values[key]

    def held(self) -> dict[Hashable, Sized]:
        """The values that are held now, by key."""
        with self._guard:
            return dict(self._values)

    def get_or_compute(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value held for `key`, or else what `compute` returns."""
        with self._guard:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            with self._guard:  # another thread may be dropping values
                held = self._values.get(key)
            value = compute() if held is None else cast("Value", held)
            with self._guard:
                self._values[key] = value
                self._values.move_to_end(key)
                while len(self._values) > 1 and sum(v.estimated_size() for v in self._values.values()) > self.max_bytes:
                    self._values.popitem(last=False)
            return value
