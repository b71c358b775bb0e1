"""The Dask engine: buckets are mapped over the workers of a cluster, which read and write the store themselves.

`map(function, items)` yields the results in the order of the items; only function, item and result travel. What a
worker was at when it died is done again by another one. A worker process does one item at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.io import files
from forecasting.services import log
from forecasting.services.engine.dask_cluster import connect
from forecasting.services.engine.dask_task import PROBE, Task, installed_versions
from forecasting.services.engine.local import LocalEngine
from forecasting.services.engine.work_errors import WorkError, errors_name
from forecasting.services.store.scratch import scratch_folder

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

ROUND = 30.0
"""Seconds after which a wait for a result looks whether there are workers at all."""
ROUNDS_WITHOUT_WORKERS = 20
"""So many such looks in a row may find none: machines of a cloud take minutes to start."""


@dataclass(frozen=True)
class DaskEngine:
    """An engine with the workers of the cluster that the config names; one item stays in the current process."""

    config: Config

    def __reduce__(self) -> tuple[type[LocalEngine], tuple[int]]:
        """In a worker the engine has one worker: nested calls of `map` run in the same process."""
        return LocalEngine, (1,)

    @property
    def scratch(self) -> str:
        """A folder of the job's tables: workers on other machines see it, too."""
        return f"{self.config.store.root.rstrip('/')}/{self.config.name}/.scratch"

    def run(self, function: Callable[[I], R], item: I) -> R:
        """The result of `function(item)`, on one worker of a running cluster.

        Workers that were started here have one thread each; this process has all, and stays.
        """
        if self.config.dask.scheduler is None:
            return function(item)
        return next(self._on_workers(partial(_call, partial(function, item)), [repr(item)]))

    def rest(self) -> None:
        """Nothing to let go of: the cluster has its own memory."""

    def map(self, function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
        """Yield `function(item)` for every item, in order, each as soon as it and all earlier ones are done.

        `function`, items and results must be picklable, and doing an item twice must leave what doing it once leaves.
        Raises WorkError, naming the item, when `function` raises; a UserError is passed on as it is.
        """
        work = list(items)
        return self._on_workers(function, work) if len(work) > 1 else LocalEngine(1).map(function, work)

    def _on_workers(self, function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
        client = connect(self.config)
        with scratch_folder(self.scratch) as probe:
            files.write(probe, PROBE, b"")
            task = Task.of(function, installed_versions(), probe)
            run = f"{self.config.name}-{uuid4().hex}"
            waiting = deque((item, client.submit(task, item, key=f"{run}-{i}")) for i, item in enumerate(items))
            try:
                while waiting:
                    item, future = waiting.popleft()
                    yield self._result(client, item, future)
            finally:  # an error, an interrupt or an abandoned iterator leave some
                client.cancel([future for _, future in waiting])

    def _result(self, client: Any, item: I, future: Any) -> Any:
        from distributed import KilledWorker

        try:
            with errors_name(item):
                return self._awaited(client, future)
        except WorkError as error:
            match error.__cause__:
                case KilledWorker():
                    raise WorkError(
                        f"every worker that took {item!r:.200} died, most often because memory ran out: "
                        "give workers more memory, or load the data into more buckets"
                    ) from error.__cause__
                case ModuleNotFoundError(name=name):
                    raise self.config.fault(
                        "dask.scheduler", f"its workers do not have {name}: install demandcast[dask] for them"
                    ) from error.__cause__
            raise

    def _awaited(self, client: Any, future: Any) -> Any:
        """The result; raises UserError when there are no workers for a long time."""
        alone = 0
        while True:
            try:
                return future.result(timeout=ROUND)
            except TimeoutError:
                if future.done():  # by now, or by an error of that kind
                    return future.result()
            alone = 0 if client.nthreads() else alone + 1
            if alone == 1:
                log.event("the cluster has no worker: waiting for one", scheduler=client.scheduler.address)
            if alone >= ROUNDS_WITHOUT_WORKERS:
                raise UserError(
                    f"the scheduler {client.scheduler.address} has had no worker for {alone * ROUND / 60:.0f} minutes: "
                    "start some, or look into their logs"
                )


def _call(function: Callable[[], R], _: object) -> R:
    return function()
