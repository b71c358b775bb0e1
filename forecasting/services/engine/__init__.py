"""Engines map a function over the buckets of a panel: local (processes of this machine) or dask (a cluster).

`build_engine` takes the config and returns its engine; `map(function, items)` yields the results in the order of the
items. `walk` does the same where there may be so few items that other processes are not worth their start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from forecasting.config import Config
from forecasting.data.panel import Engine
from forecasting.services.engine.dask_engine import DaskEngine
from forecasting.services.engine.local import ONE_THREAD, LocalEngine
from forecasting.services.engine.work_errors import WorkError

__all__ = ["ONE_THREAD", "DaskEngine", "LocalEngine", "WorkError", "build_engine", "walk"]

WALKED_HERE = 4
"""Buckets that are walked in this process: to start others would take longer."""

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


def build_engine(config: Config) -> Engine:
    """The engine named by the key `engine` of the config."""
    builders: dict[str, Callable[[], Engine]] = {
        "local": lambda: LocalEngine(usable_processors()),
        "dask": lambda: DaskEngine(config),
    }
    return builders[config.engine]()


def walk(engine: Engine, function: Callable[[I], R], items: Sequence[I]) -> Iterator[R]:
    """`function(item)` for every item, a bucket, in order: in this process where there are few of them."""
    return map(function, items) if len(items) <= WALKED_HERE else engine.map(function, items)


def usable_processors() -> int:
    """How many processors this process may use: a container or a service may be held to some of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
