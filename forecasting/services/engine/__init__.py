"""Engines map a function over the buckets of a panel: local (processes of this machine) or dask (a cluster).

`build_engine` takes the config and returns its engine; `map(function, items)` yields the results in the order of the
items.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from forecasting.config import Config
from forecasting.data.panel import Engine
from forecasting.services.engine.dask_engine import DaskEngine
from forecasting.services.engine.local import ONE_THREAD, LocalEngine
from forecasting.services.engine.work_errors import WorkError

__all__ = ["ONE_THREAD", "DaskEngine", "LocalEngine", "WorkError", "build_engine"]


def build_engine(config: Config) -> Engine:
    """The engine named by the key `engine` of the config."""
    builders: dict[str, Callable[[], Engine]] = {
        "local": lambda: LocalEngine(usable_processors()),
        "dask": lambda: DaskEngine(config),
    }
    return builders[config.engine]()


def usable_processors() -> int:
    """How many processors this process may use: a container or a service may be held to some of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
