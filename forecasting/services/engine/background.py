"""`in_background` calls a function in a thread beside a block of code that leaves a part of the processors idle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
