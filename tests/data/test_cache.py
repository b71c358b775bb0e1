"""The cache: a value is computed once, also by threads, and the least recently used values are dropped."""

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


def test_a_value_is_computed_once() -> None:
    cache = Cache(100)
    first = cache.get_or_compute("a", lambda: Thing("a"))
    assert cache.get_or_compute("a", lambda: Thing("another")) is first


def test_the_least_recently_used_value_is_dropped_first() -> None:
    cache = Cache(20)
    for name in ("a", "b", "a", "c"):
        cache.get_or_compute(name, lambda name=name: Thing(name))
    assert [name in cache for name in "abc"] == [True, False, True]


def test_the_newest_value_is_kept_however_large() -> None:
    cache = Cache(20)
    cache.get_or_compute("small", lambda: Thing("small"))
    cache.get_or_compute("large", lambda: Thing("large", 1000))
    assert "large" in cache
    assert "small" not in cache


def test_what_is_dropped_is_computed_again_and_nothing_else() -> None:
    cache = Cache(100)
    for key in ((0, "frame"), (0, "rungs"), (1, "frame")):
        cache.get_or_compute(key, lambda: Thing("old"))
    cache.drop(lambda key: key[0] == 0)
    assert list(cache.held()) == [(1, "frame")]
    assert cache.get_or_compute((0, "frame"), lambda: Thing("new")).name == "new"


def test_threads_that_need_the_same_value_wait_for_the_one_that_computes_it() -> None:
    cache, computed, start = Cache(100), [], Barrier(8)

    def compute() -> Thing:
        computed.append(1)
        return Thing("a")

    def get(_: int) -> Thing:
        start.wait()
        return cache.get_or_compute("a", compute)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(get, range(8)))
    assert len(computed) == 1
    assert all(thing is found[0] for thing in found)


def test_a_failure_is_not_cached_and_releases_the_lock() -> None:
    cache = Cache(100)

    def fail() -> Thing:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            cache.get_or_compute("a", fail)
    assert cache.get_or_compute("a", lambda: Thing("a")).name == "a"


def test_a_cache_is_pickled_without_its_values() -> None:
    cache = Cache(123)
    cache.get_or_compute("a", lambda: Thing("a"))
    there = pickle.loads(pickle.dumps(cache))
    assert there.max_bytes == 123
    assert "a" not in there
