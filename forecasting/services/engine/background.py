"""Work in a thread beside code that leaves a part of the processors idle.

`in_background` calls a function beside a block; `one_ahead` makes the next item while the caller works on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


@contextmanager
def in_background(function: Callable[[I], R], item: I) -> Iterator[Callable[[], R]]:
    """A function that waits for the result of `function(item)`; the block ends when the call has, and an error of the
    call is raised where its result is asked for.

    >>> with in_background(len, "abc") as length:
    ...     others = 2
    >>> length() + others
    5
    """
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(function, item).result


def one_ahead(function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
    """Yield `function(item)` for every item, in order; while the caller works on one, the next is made in a thread.

    Two results are in memory at a time.

    >>> list(one_ahead(len, ["a", "bc", ""]))
    [1, 2, 0]
    """
    with ThreadPoolExecutor(1) as thread:
        made: Future[R] | None = None
        for item in items:
            coming = thread.submit(function, item)
            if made is not None:
                yield made.result()
            made = coming
        if made is not None:
            yield made.result()
