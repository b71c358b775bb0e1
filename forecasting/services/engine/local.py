"""The local engine: a pool of processes on this machine; `map(function, items)` yields the results in order.

Workers are spawned, because a fork hangs once Polars or LightGBM have started threads. A worker uses one thread; that
and how it keeps memory is set by environment variables, which libraries read when they are imported.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context, parent_process
from typing import TypeVar, cast

from forecasting.services.engine.free_memory import release_free_memory
from forecasting.services.engine.idle_pools import end_idle_pools, keep_pool, take_pool
from forecasting.services.engine.work_errors import errors_name

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
WORKER_ENVIRONMENT = ONE_THREAD | {"_RJEM_MALLOC_CONF": "dirty_decay_ms:3000,muzzy_decay_ms:0"}
"""Polars gives memory back to the system 3 seconds after it was freed: with its own fraction of a second a worker took
a sixth more processor time to have the same pages mapped again for each step of a bucket."""
LEAN = {"lightgbm": ("sklearn", "dask"), "statsforecast.models": ("dask",)}
"""Libraries that import other packages for wrappers which no model here uses: without these a worker is there in less
than half the time."""
GRACE = 10.0
"""Seconds to wait for a worker to end after it was terminated."""

_environment_lock = threading.Lock()


@dataclass(frozen=True)
class LocalEngine:
    """An engine with up to `workers` processes; one worker, or one item, runs in the current process."""

    workers: int

    @property
    def scratch(self) -> None:
        """Any temporary folder will do: all processes are on this machine."""

    def run(self, function: Callable[[I], R], item: I) -> R:
        """The result of `function(item)`, in this process, which has all threads."""
        return function(item)

    def rest(self) -> None:
        """End workers that wait for the next call."""
        end_idle_pools()

    def __reduce__(self) -> tuple[type[LocalEngine], tuple[int]]:
        """In a worker the engine has one worker: nested calls of `map` run in the same process."""
        return LocalEngine, (1,)

    def map(self, function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
        """Yield `function(item)` for every item, in order, each as soon as it and all earlier ones are done.

        In a pool `function`, items and results must be picklable. At most two items per worker are in progress, so
        that results that have not been consumed do not pile up. Raises WorkError, naming the item, when `function`
        raises; a UserError is passed on as it is.
        """
        work = list(items)
        alone = min(self.workers, len(work)) <= 1
        return _in_this_process(function, work) if alone else _in_pool(function, work, self.workers)


def _in_this_process(fn: Callable[[I], R], items: Sequence[I]) -> Iterator[R]:
    for item in items:
        with errors_name(item):
            result = fn(item)
        yield result


def _in_pool(fn: Callable[[I], R], items: Sequence[I], workers: int) -> Iterator[R]:
    release_free_memory()
    pool = take_pool(workers) or _new_pool(workers)
    try:
        yield from _ordered(pool, fn, items, 2 * workers)
    except BaseException:  # also KeyboardInterrupt and an abandoned iterator: do not wait for running items
        _terminate(pool)
        raise
    keep_pool(workers, pool)


def _new_pool(workers: int) -> ProcessPoolExecutor:
    needed = [library for library in LEAN if library in sys.modules]
    return ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (needed,))


def _ordered(pool: ProcessPoolExecutor, fn: Callable[[I], R], items: Sequence[I], ahead: int) -> Iterator[R]:
    waiting: deque[tuple[I, Future[R]]] = deque()
    for item in items:
        waiting.append((item, _submit(pool, fn, item)))
        if len(waiting) >= ahead:
            yield _result(*waiting.popleft())
    while waiting:
        yield _result(*waiting.popleft())


def _submit(pool: ProcessPoolExecutor, fn: Callable[[I], R], item: I) -> Future[R]:
    with errors_name(item), worker_environment():
        return pool.submit(fn, item)


def _result(item: I, future: Future[R]) -> R:
    with errors_name(item):
        return future.result()


@contextmanager
def worker_environment() -> Iterator[None]:
    """Set the environment in which workers start (the pool starts them while items are submitted)."""
    with _environment_lock:
        before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
        os.environ.update(WORKER_ENVIRONMENT)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _start_worker(libraries: Iterable[str]) -> None:
    """Let Ctrl-C end a worker without a traceback (the parent process reports the interruption), and end it with its
    parent, also when that is killed: it would go on writing beside the next run, and then wait for ever. `libraries` of
    LEAN, which the parent has imported, are imported at once.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for library in libraries:
        _import_lean(library)


def _import_lean(library: str) -> None:
    """Import a library of LEAN as if the packages that it does not need were not installed."""
    hidden = [name for name in LEAN[library] if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import_module(library)
    finally:
        for name in hidden:
            del sys.modules[name]


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _terminate(pool: ProcessPoolExecutor) -> None:
    """Stop the workers without waiting for running items (Python 3.14 has `terminate_workers` for this)."""
    workers = list((pool._processes or {}).values())
    manager = cast("threading.Thread | None", pool._executor_manager_thread)
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()
    if manager:  # it waits for the same workers; when two threads wait for a process, one misses its end
        manager.join(GRACE)
    for worker in workers:
        worker.join(GRACE)
