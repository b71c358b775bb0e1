"""Resources of a client: `Scenarios`, `Jobs`, and `Evidence`, which says what is behind forecasts.

Each takes a Connection; methods return dataclasses and raise ProblemError where the server refuses.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date
from typing import Any, TypedDict, Unpack

from demandcast.client.answers import Forecasts, Job, read
from demandcast.client.connection import Connection, ProblemError
from demandcast.client.evidence_answers import Changes, Events, Explanations, Inputs, Levers
from demandcast.client.scenario_answers import Scenario, ScenarioResult, SearchResult


class Searched(TypedDict, total=False):
    """The series of a search, one or those that meet a condition, and its days from `start` to `end`."""

    unique_id: str | None
    where: str | None
    start: date | None
    end: date | None


class Scenarios:
    """Saved scenarios."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Scenario]:
        """The saved scenarios, the newest first."""
        return read(list[Scenario], self._connection.request("GET", "scenarios").json())

    def get(self, name: str) -> ScenarioResult:
        """A saved scenario, and what it would do to the newest forecast."""
        return read(ScenarioResult, self._connection.request("GET", f"scenarios/{name}").json())

    def save(
        self, name: str, unique_id: str | None, changes: Iterable[str], reason: str, *, where: str | None = None
    ) -> ScenarioResult:
        """Forecast changes of the plan of a series, or of those that meet a condition, and save them under a name."""
        body = {"name": name, "unique_id": unique_id, "where": where, "changes": [*changes], "reason": reason}
        return read(ScenarioResult, self._connection.request("POST", "scenarios", json=body).json())

    def copy(self, name: str, new: str) -> Scenario:
        """Save a scenario under a further name."""
        return read(Scenario, self._connection.request("POST", f"scenarios/{name}/copy", json={"name": new}).json())

    def search(
        self, column: str, between: tuple[float, float], maximise: str = "revenue", **over: Unpack[Searched]
    ) -> SearchResult:
        """Which value of a lever is best (of a price: times the present one), for units, revenue or margin."""
        body = {"column": column, "low": between[0], "high": between[1], "maximise": maximise}
        body |= {name: str(value) for name, value in over.items() if value is not None}
        return read(SearchResult, self._connection.request("POST", "scenarios/search", json=body).json())

    def withdraw(self, name: str, reason: str) -> None:
        """Withdraw a saved scenario."""
        self._connection.request("DELETE", f"scenarios/{name}", params={"reason": reason})


class Jobs:
    """Long work on the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, job_id: str) -> Job:
        """How far a job is."""
        return read(Job, self._connection.request("GET", f"jobs/{job_id}").json())

    def cancel(self, job_id: str) -> Job:
        """Cancel a job."""
        return read(Job, self._connection.request("DELETE", f"jobs/{job_id}").json())

    def wait(self, job_id: str, every: float = 0.5) -> Forecasts:
        """The forecasts of a job, once it is done; raises ProblemError when it failed or was cancelled."""
        return read(Forecasts, self.result(job_id, every))

    def result(self, job_id: str, every: float = 0.5) -> Any:
        """What a job has come to as parsed JSON, once it is done; raises ProblemError when it failed."""
        while not (job := self.get(job_id)).is_over:
            time.sleep(every)
        if job.state != "done":
            raise ProblemError(409, f"the job is {job.state}. {job.detail}", {})
        return self._connection.get(f"jobs/{job_id}/result").json()


class Chosen(TypedDict, total=False):
    """Series that meet a condition, days of their forecast from `start` to `end`, and the vintage of a cutoff."""

    where: str | None
    start: date | None
    end: date | None
    cutoff: date | None


class Evidence:
    """What is behind forecasts, how sales respond to levers, and what past events did; waits where it becomes a job."""

    def __init__(self, connection: Connection, jobs: Jobs) -> None:
        self._connection, self._jobs = connection, jobs

    def explanations(self, unique_id: str | None = None, **chosen: Unpack[Chosen]) -> Explanations:
        """What published forecasts are made of, in units that add up to them."""
        return read(Explanations, self._ask("explanations", unique_id=unique_id, **chosen))

    def changes(self, unique_id: str | None = None, *, where: str | None = None) -> Changes:
        """Why forecasts are others than in the vintage before."""
        return read(Changes, self._ask("explanations/changes", unique_id=unique_id, where=where))

    def inputs(self, unique_id: str | None = None, **chosen: Unpack[Chosen]) -> Inputs:
        """What each input of the trees behind published forecasts adds to them."""
        return read(Inputs, self._ask("explanations/inputs", unique_id=unique_id, **chosen))

    def events(self, unique_id: str | None = None, *, where: str | None = None, cutoff: date | None = None) -> Events:
        """What past promotions and changes of price are associated with."""
        return read(Events, self._ask("events", unique_id=unique_id, where=where, cutoff=cutoff))

    def levers(self, lever: str | None = None, search: str = "", limit: int = 50, offset: int = 0) -> Levers:
        """How sales respond to price, promotion and other levers: all groups, and a page of the series."""
        page = {"lever": lever, "search": search, "limit": limit, "offset": offset}
        return read(Levers, self._connection.get("levers", **page).json())

    def _ask(self, path: str, **given: Any) -> Any:
        answer = self._connection.get(path, **given)
        return self._jobs.result(answer.json()["id"]) if answer.status_code == 202 else answer.json()
