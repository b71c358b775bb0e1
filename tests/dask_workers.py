"""A real Dask cluster for tests: a scheduler and two worker processes, with or without certificates.

Workers load this module, too (`--preload`): each bucket that one writes is noted in the file that NOTES names, and the
one that FATAL names kills itself when it is about to write its second bucket of backtests.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers import free_port

NOTES, FATAL = "DEMANDCAST_TEST_NOTES", "DEMANDCAST_TEST_FATAL"
START = 90.0


@dataclass(frozen=True)
class Cluster:
    """What a config says of the cluster, and its worker processes by name."""

    keys: Mapping[str, Any]
    workers: Mapping[str, subprocess.Popen[bytes]]
    notes: Path
    log: Path = field(repr=False)

    def written(self) -> list[tuple[str, str, int]]:
        """Worker, table and bucket of each write."""
        lines = [line.split() for line in self.notes.read_text().splitlines()] if self.notes.exists() else []
        return [(worker, table, int(bucket)) for worker, table, bucket in lines]


@contextmanager
def cluster(folder: Path, fatal: str = "", tls: Sequence[str] = (), **keys: str) -> Iterator[Cluster]:
    """A scheduler on this machine and the workers `one` and `two`; all end with the block."""
    address = f"{'tls' if tls else 'tcp'}://127.0.0.1:{free_port()}"
    env = {**os.environ, NOTES: str(folder / "notes"), FATAL: fatal, "POLARS_MAX_THREADS": "1"}
    scheduler = ["scheduler", "--host", address, "--no-dashboard", *tls]
    worker = ["worker", address, "--host", "127.0.0.1", "--no-nanny", "--nthreads", "1", "--no-dashboard", *tls]
    worker += ["--local-directory", str(folder), "--memory-limit", "0", "--preload", "tests.dask_workers"]
    with ExitStack() as stack, (folder / "log").open("wb") as log:
        stack.enter_context(process(scheduler, env, log))
        workers = {name: stack.enter_context(process([*worker, "--name", name], env, log)) for name in ("one", "two")}
        await_workers(folder / "log", len(workers))
        yield Cluster({"scheduler": address, **keys}, workers, folder / "notes", folder / "log")


@contextmanager
def process(command: Sequence[str], env: Mapping[str, str], log: Any) -> Iterator[subprocess.Popen[bytes]]:
    dask = [sys.executable, "-m", "dask", *command]
    with subprocess.Popen(dask, env=env, stdout=log, stderr=subprocess.STDOUT) as started:
        try:
            yield started
        finally:
            started.kill()


def await_workers(log: Path, count: int) -> None:
    end = time.monotonic() + START
    while log.read_text(errors="replace").count("Registered to:") < count:
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


def certificates(folder: Path) -> dict[str, str]:
    """ca_file, cert_file and key_file of a certificate that vouches for itself."""
    from distributed import Security

    made = Security.temporary()
    texts = {"ca_file": made.tls_ca_file, "cert_file": made.tls_client_cert, "key_file": made.tls_client_key}
    for key, text in texts.items():
        (folder / f"{key}.pem").write_text(text)
    return {key: str(folder / f"{key}.pem") for key in texts}


def dask_setup(worker: Any) -> None:
    """What a worker does when it has loaded this module."""
    from forecasting.steps.forecasting.stored_rows import Destination

    write, seen = Destination.write, [0]

    def noted(self: Destination, rows: Any, bucket: int, models: Any = None) -> None:
        seen[0] += self.table == "backtests"
        if worker.name == os.environ[FATAL] and seen[0] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, rows, bucket, models)
        with open(os.environ[NOTES], "a") as notes:
            notes.write(f"{worker.name} {self.table} {bucket}\n")

    Destination.write = noted  # type: ignore[method-assign]
