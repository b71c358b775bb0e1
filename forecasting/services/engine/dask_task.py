"""What a Dask worker does: a Task, called with an item, unpickles its function and returns what that returns.

Before the first item a worker makes sure that it sees the store and has the same packages as the process that sends the
work, so that a result does not depend on where it was made; it raises UserError otherwise.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from forecasting.errors import UserError
from forecasting.io import files

PACKAGES = ("demandcast", "polars", "numpy", "statsforecast", "lightgbm", "deltalake")
"""Those whose versions can change a result or what is stored."""
PROBE = "probe"
"""The name of the file by which a worker sees that the store is the same."""

Versions = tuple[tuple[str, str], ...]

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Task:
    """A function on its way to workers; `probe` is the folder with the file that they must find."""

    function: bytes = field(repr=False)
    versions: Versions
    probe: str

    @classmethod
    def of(cls, function: Callable[[Any], Any], versions: Versions, probe: str) -> Task:
        """Pickled here and now, which may take a walk through all buckets, and not while Dask holds its locks."""
        from distributed.protocol.pickle import dumps

        return cls(dumps(function), versions, probe)

    def __call__(self, item: Any) -> Any:
        """The result; a worker of several threads does one item after the other, so that one is in memory."""
        from distributed.protocol.pickle import loads

        with _one_at_a_time:
            _check_worker(self.versions, self.probe)
            return loads(self.function)(item)


def installed_versions() -> Versions:
    """Name and version of Python and of the packages that decide results."""
    return (("Python", f"{sys.version_info.major}.{sys.version_info.minor}"), *((p, _version(p)) for p in PACKAGES))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


@lru_cache(maxsize=1)
def _check_worker(versions: Versions, probe: str) -> None:
    host = socket.gethostname()
    for (package, theirs), (_, own) in zip(versions, installed_versions(), strict=True):
        if theirs != own:
            raise UserError(
                f"the worker on {host} has {package} {own}, and the run {theirs}: "
                "install the same versions on all machines of the cluster"
            )
    try:
        files.read(probe, PROBE)
    except OSError as error:
        raise UserError(
            f"the worker on {host} does not see {probe} ({type(error).__name__}): "
            "store.root must be a folder that all machines of the cluster share, or s3://..."
        ) from None
