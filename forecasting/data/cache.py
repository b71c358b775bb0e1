"""What was made once and may be asked for again, as long as there is room for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Protocol, TypeVar, cast


class Sized(Protocol):
    """Anything that can say how many bytes it takes, as a frame does."""

    def estimated_size(self) -> float: ...


Made = TypeVar("Made", bound=Sized)


class Cache:
    """Holds at most `most` bytes, but always the newest thing; what has not been asked for longest is forgotten first.

    Threads that ask for the same thing wait for the one that makes it. On its way to another process it is left behind:
    there it is empty.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: OrderedDict[Hashable, Sized] = OrderedDict()
        self._turns: dict[Hashable, Lock] = {}
        self._guard = Lock()

    def __reduce__(self) -> tuple[type[Cache], tuple[int]]:
        return Cache, (self.most,)

    def __contains__(self, what: Hashable) -> bool:
        return what in self._held

    def once(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """What is held by this name, or else what `make` returns."""
        with self._guard:
            turn = self._turns.setdefault(what, Lock())
        with turn:
            with self._guard:  # another thread may be forgetting things
                held = self._held.get(what)
            made = make() if held is None else cast("Made", held)
            with self._guard:
                self._held[what] = made
                self._held.move_to_end(what)
                while len(self._held) > 1 and sum(v.estimated_size() for v in self._held.values()) > self.most:
                    self._held.popitem(last=False)
            return made
