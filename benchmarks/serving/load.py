"""Requests at a fixed rate: `ask_at_rate` sends them whether or not earlier ones are answered, and returns the times.

`ask_in_turn` sends them as fast as they are answered, `send_batch` a file of rows, meanwhile asking /health. Times are
in milliseconds, those of requests from the moment at which they were due.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx

AT_ONCE = 4
"""Requests that wait for their answers where they are sent as fast as possible."""
LONGEST = 200
"""Characters that are kept of a failure."""
Request = tuple[str, str, dict[str, Any] | None]
"""Method, path and body of a request."""


@dataclass(frozen=True)
class Times:
    """The times of some requests in milliseconds, sorted, and why some failed: a status or an error, and how many."""

    kind: str
    milliseconds: list[float]
    failures: Counter[str]

    def quantile(self, share: float) -> float:
        """The time within which this share was answered."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]


def changed(rng: random.Random, ids: list[str], days: list[str]) -> Request:
    """A prediction with a price that was not requested before."""
    values = {"price": round(rng.uniform(0.5, 9.5), 4)}
    return "POST", "predict", {"unique_id": rng.choice(ids), "ds": rng.choice(days), "values": values}


def planned(rng: random.Random, ids: list[str], days: list[str]) -> Request:
    """A prediction as planned."""
    return "POST", "predict", {"unique_id": rng.choice(ids), "ds": rng.choice(days)}


async def ask_at_rate(
    address: str, kinds: dict[str, Callable[[], Request]], rate: float, seconds: float
) -> list[Times]:
    """The times of each kind of request, in turn, `rate` a second altogether."""
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    failures: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}

    async def ask(client: httpx.AsyncClient, kind: str, due: float) -> None:
        method, path, body = kinds[kind]()
        try:
            answer = await client.request(method, path, json=body)
            if not answer.is_success:
                failures[kind][f"{answer.status_code} {answer.text[:LONGEST]}"] += 1
        except httpx.HTTPError as error:
            failures[kind][repr(error)[:LONGEST]] += 1
        taken[kind].append((time.perf_counter() - due) * 1000)

    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        begun, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(ask(client, list(kinds)[number % len(kinds)], due)))
        await asyncio.gather(*tasks)
    return [Times(kind, sorted(times), failures[kind]) for kind, times in taken.items()]


async def ask_in_turn(address: str, questions: Iterable[Request]) -> int:
    """Send all of these, AT_ONCE at a time; returns how many were not answered."""
    left, failed = iter(questions), 0

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal failed
        for method, path, body in left:
            failed += not (await client.request(method, path, json=body)).is_success

    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        await asyncio.gather(*(ask(client) for _ in range(AT_ONCE)))
    return failed


async def send_batch(address: str, rows: bytes) -> tuple[float, int, Times]:
    """Seconds for a file of rows, how many were answered without an error, and the times of /health meanwhile."""
    done, waited = asyncio.Event(), []

    async def look(client: httpx.AsyncClient) -> None:
        while not done.is_set():
            begun = time.perf_counter()
            await client.get("health")
            waited.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(0.05)

    async with httpx.AsyncClient(base_url=address, timeout=600) as client:
        looking, begun = asyncio.create_task(look(client)), time.perf_counter()
        answer = await client.post("predict/batch", content=rows, headers={"Content-Type": "text/csv"})
        seconds = time.perf_counter() - begun
        done.set()
        await looking
    lines = answer.raise_for_status().text.splitlines()[1:]
    return seconds, sum(line.endswith(",") for line in lines), Times("health", sorted(waited), Counter())
