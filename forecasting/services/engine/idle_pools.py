"""Pools of worker processes between two calls: `keep_pool` leaves one to the next call, `take_pool` finds it.

To start workers takes some seconds, and steps on small data call often. A pool that nobody takes ends after IDLE
seconds, or with `end_idle_pools`.
"""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor

IDLE = 30.0
"""Seconds for which workers that have nothing to do wait for the next call."""

_lock = threading.Lock()
_idle: dict[int, tuple[ProcessPoolExecutor, threading.Timer]] = {}


def take_pool(workers: int) -> ProcessPoolExecutor | None:
    """The pool of so many workers that was used last, if it is still there."""
    with _lock:
        pool, timer = _idle.pop(workers, (None, None))
    if timer:
        timer.cancel()
    return pool if pool and not pool._broken else None


def keep_pool(workers: int, pool: ProcessPoolExecutor) -> None:
    """Leave the pool to the next call for a while; where another thread has left one, this one ends."""
    timer = threading.Timer(IDLE, _end, (workers, pool))
    timer.daemon = True
    with _lock:
        if workers not in _idle:
            _idle[workers] = pool, timer
            timer.start()
            return
    pool.shutdown()


def end_idle_pools() -> None:
    """End workers that wait for a call: beside a long training they would only hold memory."""
    for workers in list(_idle):
        if pool := take_pool(workers):
            pool.shutdown()


def _end(workers: int, pool: ProcessPoolExecutor) -> None:
    with _lock:
        if _idle.get(workers, (None, None))[0] is not pool:
            return
        del _idle[workers]
    pool.shutdown()
