"""What is made once: by one of many threads, within its room, and never for another cut."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import pytest

from forecasting.data.cache import Cache


@dataclass(frozen=True)
class Thing:
    name: str
    size: int = 10

    def estimated_size(self) -> int:
        return self.size


def test_the_same_name_is_made_once() -> None:
    memory = Cache(100)
    first = memory.once("a", lambda: Thing("a"))
    assert memory.once("a", lambda: Thing("another")) is first


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    memory = Cache(20)
    for name in ("a", "b", "a", "c"):
        memory.once(name, lambda name=name: Thing(name))
    assert [name in memory for name in "abc"] == [True, False, True]


def test_the_newest_is_kept_however_large() -> None:
    memory = Cache(20)
    memory.once("small", lambda: Thing("small"))
    memory.once("large", lambda: Thing("large", 1000))
    assert "large" in memory
    assert "small" not in memory


def test_threads_that_ask_at_once_wait_for_the_one_that_makes_it() -> None:
    memory, made, start = Cache(100), [], Barrier(8)

    def make() -> Thing:
        made.append(1)
        return Thing("a")

    def ask(_: int) -> Thing:
        start.wait()
        return memory.once("a", make)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert len(made) == 1
    assert all(thing is found[0] for thing in found)


def test_a_failure_is_not_kept_and_blocks_nobody() -> None:
    memory = Cache(100)

    def fail() -> Thing:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            memory.once("a", fail)
    assert memory.once("a", lambda: Thing("a")).name == "a"


def test_other_processes_get_it_empty() -> None:
    memory = Cache(123)
    memory.once("a", lambda: Thing("a"))
    there = pickle.loads(pickle.dumps(memory))
    assert there.most == 123
    assert "a" not in there
