"""A client of the REST API: `Client(url)` has a method per route, which returns dataclasses (see answers).

    with Client("http://127.0.0.1:8050") as client:
        client.predict("S1/tea", date(2024, 5, 20), {"price": 1.79}).mean

A request that the server refuses raises ProblemError, which names the fields that are wrong. Needs httpx; the files
of this folder work without the rest of the package.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import IO, Any

import httpx

from demandcast.client.answers import (
    ForecastRow,
    Forecasts,
    Interval,
    Job,
    ModelVersion,
    Prediction,
    Series,
    SeriesPage,
    Status,
    read,
)
from demandcast.client.scenario_answers import Scenario, ScenarioResult

__all__ = [
    "Client",
    "ForecastRow",
    "Forecasts",
    "Interval",
    "Job",
    "ModelVersion",
    "Prediction",
    "ProblemError",
    "Scenario",
    "ScenarioResult",
    "Series",
    "SeriesPage",
    "Status",
]
Value = float | int | bool | str | None


class ProblemError(Exception):
    """The server refused a request: `status`, `detail` (one sentence), and `errors`, {field: what is wrong with it}."""

    def __init__(self, status: int, detail: str, errors: Mapping[str, str]) -> None:
        super().__init__(f"{status}: {detail}")
        self.status, self.detail, self.errors = status, detail, dict(errors)


class Client:
    """The REST API of one job, with a key where it has accounts. `scenarios` and `jobs` are its resources."""

    def __init__(self, url: str = "http://127.0.0.1:8050", timeout: float = 120.0, key: str | None = None) -> None:
        """`key` is one of `demandcast keys add`, where one has to sign in."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1/", timeout=timeout, headers=headers)
        self.scenarios = Scenarios(self)
        self.jobs = Jobs(self)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def predict(self, unique_id: str, ds: date, values: Mapping[str, Value] | None = None) -> Prediction:
        """The forecast of one series on one day, perhaps with other values of known-ahead columns than planned."""
        body = {"unique_id": unique_id, "ds": ds.isoformat(), "values": dict(values or {})}
        return read(Prediction, self.request("POST", "predict", json=body).json())

    def predict_batch(self, rows: bytes | IO[bytes]) -> Iterator[str]:
        """The lines of the answer to a CSV file of rows: unique_id, ds, and any known-ahead columns."""
        headers = {"Content-Type": "text/csv"}
        with self._http.stream("POST", "predict/batch", content=rows, headers=headers) as answer:
            if answer.is_error:
                answer.read()
                raise _problem(answer)
            yield from answer.iter_lines()

    def forecast(self, unique_id: str, start: date | None = None, end: date | None = None) -> Forecasts:
        """The published forecast of a series."""
        days = {name: str(day) for name, day in (("start", start), ("end", end)) if day}
        return read(Forecasts, self.request("GET", f"forecasts/{unique_id}", params=days).json())

    def forecasts(
        self,
        unique_ids: Iterable[str] = (),
        *,
        where: str | None = None,
        start: date | None = None,
        end: date | None = None,
        changes: Iterable[str] = (),
    ) -> Forecasts:
        """Forecasts of series, perhaps with changes of the plan; waits where it becomes a job."""
        body = {"unique_ids": list(unique_ids), "where": where, "changes": list(changes)}
        body |= {name: day.isoformat() for name, day in (("start", start), ("end", end)) if day}
        answer = self.request("POST", "forecasts", json=body)
        if answer.status_code == 202:
            return self.jobs.wait(read(Job, answer.json()).id)
        return read(Forecasts, answer.json())

    def series(self, search: str = "", limit: int = 50, offset: int = 0) -> SeriesPage:
        """A page of the series whose ids hold every word of `search`, the largest sales first."""
        page = {"search": search, "limit": limit, "offset": offset}
        return read(SeriesPage, self.request("GET", "series", params=page).json())

    def models(self) -> list[ModelVersion]:
        """The versions of the models, the newest first."""
        return read(list[ModelVersion], self.request("GET", "models").json()["items"])

    def status(self) -> Status:
        """The data, the last run and the served forecast of the job."""
        return read(Status, self.request("GET", "status").json())

    def is_ready(self) -> bool:
        """Whether forecasts can be served."""
        return self._http.get("ready").is_success

    def metrics(self) -> str:
        """Counts and times, as Prometheus reads them."""
        return self.request("GET", "metrics").text

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer to any request; raises ProblemError when it is refused."""
        answer = self._http.request(method, path, **options)
        if answer.is_error:
            raise _problem(answer)
        return answer


class Scenarios:
    """Saved scenarios."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> list[Scenario]:
        """The saved scenarios, the newest first."""
        return read(list[Scenario], self._client.request("GET", "scenarios").json())

    def get(self, name: str) -> ScenarioResult:
        """A saved scenario, and what it would do to the newest forecast."""
        return read(ScenarioResult, self._client.request("GET", f"scenarios/{name}").json())

    def save(self, name: str, unique_id: str, changes: Iterable[str], reason: str) -> ScenarioResult:
        """Forecast changes of the plan of a series, and save them under a name."""
        body = {"name": name, "unique_id": unique_id, "changes": [*changes], "reason": reason}
        return read(ScenarioResult, self._client.request("POST", "scenarios", json=body).json())

    def copy(self, name: str, new: str) -> Scenario:
        """Save a scenario under a further name."""
        return read(Scenario, self._client.request("POST", f"scenarios/{name}/copy", json={"name": new}).json())

    def withdraw(self, name: str, reason: str) -> None:
        """Withdraw a saved scenario."""
        self._client.request("DELETE", f"scenarios/{name}", params={"reason": reason})


class Jobs:
    """Long work on the server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, job_id: str) -> Job:
        """How far a job is."""
        return read(Job, self._client.request("GET", f"jobs/{job_id}").json())

    def cancel(self, job_id: str) -> Job:
        """Cancel a job."""
        return read(Job, self._client.request("DELETE", f"jobs/{job_id}").json())

    def wait(self, job_id: str, every: float = 0.5) -> Forecasts:
        """The result of a job, once it is done; raises ProblemError when it failed or was cancelled."""
        while not (job := self.get(job_id)).is_over:
            time.sleep(every)
        if job.state != "done":
            raise ProblemError(409, f"the job is {job.state}. {job.detail}", {})
        return read(Forecasts, self._client.request("GET", f"jobs/{job_id}/result").json())


def _problem(answer: httpx.Response) -> ProblemError:
    """The problem of an answer; its text where something between client and server has answered."""
    try:
        body = answer.json()
        errors = {error["field"]: error["detail"] for error in body.get("errors", ())}
        return ProblemError(answer.status_code, body["detail"], errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ProblemError(answer.status_code, answer.text[:500], {})
