"""Long work in the background: `Jobs.submit` queues it and returns a Job to poll, to cancel and to take the result of.

Work is a function that yields its result in parts: between two of them it can be cancelled. Jobs live as long as the
process; the newest finished ones are kept. A few threads do them, so that other requests are answered meanwhile.
"""

import logging
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Queue
from threading import Lock, Thread
from typing import Any, Literal
from uuid import uuid4

from dashboard.error_text import error_text
from dashboard.rest.problems import Refusal
from forecasting.errors import UserError

log = logging.getLogger(__name__)
State = Literal["waiting", "running", "done", "failed", "cancelled"]
THREADS = 1
MOST_WAITING = 20
MOST_KEPT = 50

Work = Callable[[], Iterator[Any]]
"""Yields the parts of a result."""


@dataclass
class Job:
    """One piece of work: its state, how many of its parts are done, and what came of it."""

    operation: str
    parts: int
    compose: Callable[[list[Any]], Any] = field(repr=False)
    id: str = field(default_factory=lambda: uuid4().hex)
    state: State = "waiting"
    done: int = 0
    detail: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    results: list[Any] = field(default_factory=list, repr=False)

    def result(self) -> Any:
        """The result, put together of the parts."""
        return self.compose(self.results)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is done about it."""
        return self.state in ("done", "failed", "cancelled")


class Jobs:
    """The jobs of this process."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._queue: Queue[tuple[Job, Work, Context]] = Queue()
        self._guard = Lock()
        self._threads: list[Thread] = []

    def submit(self, operation: str, parts: int, work: Work, compose: Callable[[list[Any]], Any]) -> Job:
        """Queue work of so many parts, of which `compose` makes the result; raises Refusal (429) if too much waits."""
        job = Job(operation, parts, compose)
        with self._guard:
            if sum(not j.is_over for j in self._jobs.values()) >= MOST_WAITING:
                wait = {"Retry-After": "30"}
                raise Refusal(429, f"{MOST_WAITING} jobs are waiting already: ask again later", headers=wait)
            self._forget_oldest()
            self._jobs[job.id] = job
            while len(self._threads) < THREADS:
                self._threads.append(Thread(target=self._work, daemon=True, name="jobs"))
                self._threads[-1].start()
        self._queue.put((job, work, copy_context()))  # done in the name of who asks
        return job

    def find(self, job_id: str) -> Job:
        """The job; raises Refusal (404) when there is none."""
        job = self._jobs.get(job_id)
        if job is None:
            raise Refusal(404, f"there is no job {job_id}: jobs end with the server, and old ones are forgotten")
        return job

    def cancel(self, job_id: str) -> Job:
        """Cancel a job that is not over: what it has done so far is thrown away."""
        job = self.find(job_id)
        with self._guard:
            if not job.is_over:
                _end(job, "cancelled")
        return job

    def _forget_oldest(self) -> None:
        over = [job_id for job_id, job in self._jobs.items() if job.is_over]
        for job_id in over[: max(0, len(over) - MOST_KEPT + 1)]:
            del self._jobs[job_id]

    def _work(self) -> None:
        while True:
            job, work, context = self._queue.get()
            try:
                context.run(self._do, job, work)
            except UserError as error:
                self._end(job, "failed", error_text(error))
            except Exception:
                log.exception("job %s (%s) failed", job.id, job.operation)
                self._end(job, "failed", "this could not be done; the log of the server has the reason")

    def _do(self, job: Job, work: Work) -> None:
        with self._guard:
            if job.is_over:
                return
            job.state = "running"
        for part in work():
            with self._guard:
                if job.is_over:
                    return
                job.results.append(part)
                job.done += 1
        self._end(job, "done")

    def _end(self, job: Job, state: State, detail: str = "") -> None:
        with self._guard:
            if not job.is_over:
                _end(job, state, detail)


def _end(job: Job, state: State, detail: str = "") -> None:
    job.state, job.detail, job.ended = state, detail, datetime.now(UTC)
    if state != "done":
        job.results = []
