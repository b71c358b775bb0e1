"""What benchmarks of whole jobs share: places, keys of a trial, a process that is measured, the way to stop."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ROOT.parent / "shared"
"""Where data and figures of others lie unless arguments say otherwise: they are no part of the repository."""

EVERY = 0.1
"""Seconds between two looks at the memory of a process."""


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock and of all processors, and the peak memory in MB: the largest sum of what the process and
    its children held at a time, pages that they share counted for each (without /proc: of the largest of them).
    """

    wall: float
    cpu: float
    mb: float


def measured(command: list[str], cwd: Path) -> Cost:
    """Run a process to its end; raises SystemExit with the end of its output when it fails."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    started = time.perf_counter()
    with (cwd / "output.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": path})
        with _watched(process.pid) as peak:
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        output = log.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{output[-3000:]}")
    unit = 1024 if sys.platform == "linux" else 1024**2  # ru_maxrss is in KB on Linux, in bytes elsewhere
    seconds = time.perf_counter() - started
    largest = peak[0] or used.ru_maxrss / unit  # the latter holds what this process had when it started the other
    return Cost(round(seconds, 1), round(used.ru_utime + used.ru_stime, 1), largest)


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """A list whose only element is the peak of `resident` while the context lasts."""
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(EVERY):
            peak[0] = max(peak[0], resident(pid))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def resident(pid: int) -> float:
    """MB that a process and its children hold now; 0 where it has ended, or there is no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        children = [c for task in Path(f"/proc/{pid}/task").iterdir() for c in (task / "children").read_text().split()]
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(resident(int(child)) for child in children)


def places(lake: Path) -> dict[str, str]:
    """The keys of a config that put everything a job writes into the folder `lake`."""
    tracking = {"tracking.uri": f"sqlite:///{lake}/mlflow.db", "tracking.artifacts": str(lake / "mlartifacts")}
    return {"store.root": str(lake / "lake")} | tracking


def overrides(changes: list[str]) -> dict[str, Any]:
    """The keys of KEY=VALUE, values read as in a config."""
    return {key: yaml.safe_load(value) for key, _, value in (text.partition("=") for text in changes)}


def identity(config: Path, *further: object) -> str:
    """A hash of the code, the config, and what else is given."""
    files = sorted((ROOT / "forecasting").rglob("*.py"))
    text = "".join(f.read_text(encoding="utf-8") for f in (config, *files)) + repr(further)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stop(sentence: str) -> NoReturn:
    """Say what is missing; exit code 2."""
    print(sentence, file=sys.stderr)
    raise SystemExit(2)
