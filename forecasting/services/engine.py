"""Engines: what maps a function over the buckets of a panel. Today one, a pool of processes on this machine.

Workers are spawned, because a fork after Polars or LightGBM have started threads hangs. A worker uses one thread, set
by the environment that it starts with: libraries read these variables when they are imported.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar, cast

from forecasting.config import Config
from forecasting.data.panel import Engine
from forecasting.errors import UserError

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
GRACE = 10.0
"""Seconds that a worker gets to end after it was terminated."""

_environment = threading.Lock()


class WorkError(RuntimeError):
    """An error while working on one item; the message names the item, the cause is the error itself."""


@dataclass(frozen=True)
class LocalEngine:
    """Up to `workers` processes on this machine; with one worker, or for one item, this process."""

    workers: int

    def __reduce__(self) -> tuple[type[LocalEngine], tuple[int]]:
        """A worker has no workers of its own: there everything runs in its one process."""
        return LocalEngine, (1,)

    def map(self, function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
        """`function` of every item, in the order of the items, each as soon as it and those before it are done.

        In a pool `function`, items and results must be picklable; at most two items per worker are under way, so
        results that nobody has taken do not pile up. Raises WorkError (which names the item) from an error of
        `function`, and UserError as it is.
        """
        work = list(items)
        workers = min(self.workers, len(work))
        return _in_pool(function, work, workers) if workers > 1 else _in_this_process(function, work)


def engine_for(config: Config) -> Engine:
    """The engine that the key `engine` of the config names."""
    made: dict[str, Callable[[], Engine]] = {"local": lambda: LocalEngine(os.cpu_count() or 1)}
    return made[config.engine]()


def _in_this_process(fn: Callable[[I], R], items: Sequence[I]) -> Iterator[R]:
    for item in items:
        with _named(item):
            result = fn(item)
        yield result


def _in_pool(fn: Callable[[I], R], items: Sequence[I], workers: int) -> Iterator[R]:
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        yield from _ordered(pool, fn, items, 2 * workers)
    except BaseException:  # KeyboardInterrupt and an abandoned iterator too: what still runs is not waited for
        _terminate(pool)
        raise
    pool.shutdown()


def _ordered(pool: ProcessPoolExecutor, fn: Callable[[I], R], items: Sequence[I], ahead: int) -> Iterator[R]:
    waiting: deque[tuple[I, Future[R]]] = deque()
    for item in items:
        waiting.append((item, _submit(pool, fn, item)))
        if len(waiting) >= ahead:
            yield _result(*waiting.popleft())
    while waiting:
        yield _result(*waiting.popleft())


def _submit(pool: ProcessPoolExecutor, fn: Callable[[I], R], item: I) -> Future[R]:
    with _named(item), _single_threaded():
        return pool.submit(fn, item)


def _result(item: I, future: Future[R]) -> R:
    with _named(item):
        return future.result()


@contextmanager
def _named(item: object) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except BrokenProcessPool as error:
        raise WorkError(
            f"a worker process died at or near {item!r:.200}, most often because memory ran out: try fewer workers"
        ) from error
    except Exception as error:
        raise WorkError(f"{item!r:.200}: {type(error).__name__}: {error}") from error


@contextmanager
def _single_threaded() -> Iterator[None]:
    """The environment in which workers start (the pool starts them while items are submitted)."""
    with _environment:
        before = {name: os.environ.get(name) for name in ONE_THREAD}
        os.environ.update(ONE_THREAD)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _start_worker() -> None:
    """Ctrl-C ends a worker without a traceback of its own; the parent reports what happened."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _terminate(pool: ProcessPoolExecutor) -> None:
    """Stop the workers in the middle of their work (Python 3.14 has `terminate_workers` for this)."""
    workers = list((pool._processes or {}).values())
    manager = cast("threading.Thread | None", pool._executor_manager_thread)
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()
    if manager:  # it waits for the same workers, and of two that wait for a process one never learns that it ended
        manager.join(GRACE)
    for worker in workers:
        worker.join(GRACE)
