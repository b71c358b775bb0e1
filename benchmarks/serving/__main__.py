"""`python -m benchmarks.serving [--folder F] [--rate 50] [--seconds 30] [--rows 100000] [--requests N]` prints what it
measured, with the load of the machine beside it.

Half of the requests are predictions with a changed price on random series, the others as planned, first without the
cache; then a file of rows, half of them with a changed price, and /health meanwhile; then the same questions about all
series again and again, from the cache. With N requests more, as fast as they are answered, it shows how memory grows.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
        _measure_computed(address, pid, options)
        if options.requests:
            _measure_memory(address, pid, options.requests)
    with _served(file, cache=10_000) as (address, pid):
        _measure_cached(address, pid, options)


def _measure_computed(address: str, pid: int, options: argparse.Namespace) -> None:
    """Single predictions that are made anew each time, and a file of rows."""
    ids, days = _stored(address)
    rng = random.Random(5)
    kinds = _kinds(rng, ids, days)
    asyncio.run(load.ask_at_rate(address, kinds, options.rate / 10, 5))  # what is read once is read
    _ask(address, pid, kinds, options)
    seconds, answered, health = asyncio.run(load.send_batch(address, _file(rng, ids, days, options.rows)))
    print(f"file of {options.rows:,} rows: {seconds:.1f} s, {answered:,} answered; {_load()}")
    _tell([health])


def _measure_cached(address: str, pid: int, options: argparse.Namespace) -> None:
    """The same questions, one of each kind about every series, once each and then again at the rate."""
    ids, days = _stored(address)
    rng = random.Random(7)
    same = {
        "unchanged, cached": [load.planned(rng, [one], days) for one in ids],
        "changed, cached": [load.changed(rng, [one], days) for one in ids],
    }
    asyncio.run(load.ask_in_turn(address, [question for asked in same.values() for question in asked]))
    kinds = {kind: partial(rng.choice, asked) for kind, asked in same.items()}
    _ask(address, pid, kinds, options)


def _ask(address: str, pid: int, kinds: dict[str, Callable[[], load.Request]], options: argparse.Namespace) -> None:
    """Times of requests at the rate, and what they took of processors, which depends less on who else wants them."""
    before = _processor_seconds(pid)
    times = asyncio.run(load.ask_at_rate(address, kinds, options.rate, options.seconds))
    taken = _processor_seconds(pid) - before
    _tell(times)
    count = sum(len(of.milliseconds) for of in times)
    print(f"  {1000 * taken / count:.1f} ms of processors for each of {count} requests")


def _measure_memory(address: str, pid: int, requests: int) -> None:
    """Memory of the server after each tenth of many requests, each question a new one."""
    ids, days = _stored(address)
    kinds = list(_kinds(random.Random(9), ids, days).values())
    print(f"memory: {_megabytes(pid):.0f} MB before {requests:,} requests; {_load()}")
    begun = time.perf_counter()
    for tenth in range(1, 11):
        questions = [kinds[number % len(kinds)]() for number in range(requests // 10)]
        failures = asyncio.run(load.ask_in_turn(address, questions))
        seconds = time.perf_counter() - begun
        print(f"  {requests * tenth // 10:,}: {_megabytes(pid):.0f} MB, {failures} failed, {seconds:.0f} s", flush=True)


def _kinds(rng: random.Random, ids: list[str], days: list[str]) -> dict[str, Callable[[], load.Request]]:
    """Both kinds of single predictions."""
    return {"changed": lambda: load.changed(rng, ids, days), "planned": lambda: load.planned(rng, ids, days)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "demandcast-load"))
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=0)
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


def _processor_seconds(pid: int) -> float:
    """The time that a process has had on processors."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _megabytes(pid: int) -> float:
    """The memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _load() -> str:
    """How many processes want a processor: figures of a busy machine say little about an idle one."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _tell(measured: list[load.Times]) -> None:
    for times in measured:
        quantiles = ", ".join(f"p{share:.0%} {times.quantile(share):.0f} ms".replace("%", "") for share in (0.5, 0.99))
        print(
            f"{times.kind}: {len(times.milliseconds)} requests, {quantiles}, {times.failures.total()} failed; {_load()}"
        )
        for reason, count in times.failures.most_common():
            print(f"  {count} x {reason}")


if __name__ == "__main__":
    main()
