"""`python -m benchmarks.serving [--folder F] [--rate 50] [--seconds 30] [--rows 100000]` prints what it measured.

Half of the requests are predictions with a changed price on random series, the others as planned, first without the
cache; then the same questions again and again, from the cache; then a file of rows, half of them with a changed price.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.processes import ROOT
from benchmarks.serving import load
from benchmarks.serving.job import make_job


def main() -> None:
    """Make the job, serve it, and print the figures."""
    options = _options()
    file = make_job(Path(options.folder))
    with _served(file, cache=0) as (address, pid):
        ids, days = _stored(address)
        rng = random.Random(5)
        kinds = {"changed": lambda: load.changed(rng, ids, days), "planned": lambda: load.planned(rng, ids, days)}
        asyncio.run(load.ask_at_rate(address, kinds, options.rate / 10, 5))  # what is read once is read
        before = _megabytes(pid)
        _tell(asyncio.run(load.ask_at_rate(address, kinds, options.rate, options.seconds)))
        seconds, answered, health = asyncio.run(load.send_batch(address, _file(rng, ids, days, options.rows)))
        print(f"file of {options.rows:,} rows: {seconds:.1f} s, {answered:,} answered")
        _tell([health])
        print(f"memory: {before:.0f} MB before, {_megabytes(pid):.0f} MB after")
    with _served(file, cache=10_000) as (address, _):
        same = [load.changed(rng, ids, days) for _ in range(100)]
        asyncio.run(load.ask_at_rate(address, {"first": iter(same * 2).__next__}, 5, 20))
        _tell(
            asyncio.run(load.ask_at_rate(address, {"cached": lambda: rng.choice(same)}, options.rate, options.seconds))
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "demandcast-load"))
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rows", type=int, default=100_000)
    return parser.parse_args()


@contextmanager
def _served(file: Path, cache: int) -> Iterator[tuple[str, int]]:
    """The address of the API of a job that another process serves, ready to answer, and the id of the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("demandcast")), "serve", str(file), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--set", f"serving.cache={cache}"], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    address = f"http://127.0.0.1:{port}/api/v1/"
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{address}ready", timeout=60).is_success:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _stored(address: str) -> tuple[list[str], list[str]]:
    """The series and the days ahead."""
    ids = [item["unique_id"] for item in httpx.get(f"{address}series?limit=1000", timeout=60).json()["items"]]
    rows = httpx.get(f"{address}forecasts/{ids[0]}", timeout=60).json()["rows"]
    return ids, [row["ds"] for row in rows]


def _file(rng: random.Random, ids: list[str], days: list[str], rows: int) -> bytes:
    lines = (
        f"{rng.choice(ids)},{rng.choice(days)},{round(rng.uniform(0.5, 9.5), 2) if n % 2 else ''}" for n in range(rows)
    )
    return "\n".join(["unique_id,ds,price", *lines]).encode()


def _megabytes(pid: int) -> float:
    """The memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _tell(measured: list[load.Times]) -> None:
    for times in measured:
        quantiles = ", ".join(f"p{share:.0%} {times.quantile(share):.0f} ms".replace("%", "") for share in (0.5, 0.99))
        print(f"{times.kind}: {len(times.milliseconds)} requests, {quantiles}, {times.failures.total()} failed")
        for reason, count in times.failures.most_common():
            print(f"  {count} x {reason}")


if __name__ == "__main__":
    main()
