"""A client of the REST API: `Client(url)` has a method per route, which returns dataclasses (see answers).

    with Client("http://127.0.0.1:8050") as client:
        client.predict("S1/tea", date(2024, 5, 20), {"price": 1.79}).mean

A request that the server refuses raises ProblemError, which names the fields that are wrong. Needs httpx; the files
of this folder work without the rest of the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import IO, Any, TypedDict, Unpack

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
from demandcast.client.connection import Connection, ProblemError, problem_of
from demandcast.client.evidence_answers import Changes, Events, Explanations, Inputs, Levers
from demandcast.client.resources import Evidence, Jobs, Scenarios
from demandcast.client.scenario_answers import Scenario, ScenarioResult

__all__ = [
    "Changes",
    "Client",
    "Events",
    "Explanations",
    "ForecastRow",
    "Forecasts",
    "Inputs",
    "Interval",
    "Job",
    "Levers",
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


class Days(TypedDict, total=False):
    """From `start` to `end`, or the first `h` periods; without any of them the whole horizon."""

    start: date | None
    end: date | None
    h: int | None


class Client:
    """The REST API of one job, with a key where it has accounts; `scenarios`, `jobs` and `evidence` are resources."""

    def __init__(self, url: str = "http://127.0.0.1:8050", timeout: float = 120.0, key: str | None = None) -> None:
        """`key` is one of `demandcast keys add`, where one has to sign in."""
        self._connection = Connection(url, timeout, key)
        self.scenarios = Scenarios(self._connection)
        self.jobs = Jobs(self._connection)
        self.evidence = Evidence(self._connection, self.jobs)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.http.close()

    def predict(self, unique_id: str, ds: date, values: Mapping[str, Value] | None = None) -> Prediction:
        """The forecast of one series on one day, perhaps with other values of known-ahead columns than planned."""
        body = {"unique_id": unique_id, "ds": ds.isoformat(), "values": dict(values or {})}
        return read(Prediction, self.request("POST", "predict", json=body).json())

    def predict_batch(self, rows: bytes | IO[bytes]) -> Iterator[str]:
        """The lines of the answer to a CSV file of rows: unique_id, ds, and any known-ahead columns."""
        headers = {"Content-Type": "text/csv"}
        with self._connection.http.stream("POST", "predict/batch", content=rows, headers=headers) as answer:
            if answer.is_error:
                answer.read()
                raise problem_of(answer)
            yield from answer.iter_lines()

    def forecast(
        self, unique_id: str, start: date | None = None, end: date | None = None, h: int | None = None
    ) -> Forecasts:
        """The published forecast of a series, from `start` to `end` or of the first `h` periods."""
        return read(Forecasts, self._connection.get(f"forecasts/{unique_id}", start=start, end=end, h=h).json())

    def forecasts(
        self,
        unique_ids: Iterable[str] = (),
        *,
        where: str | None = None,
        changes: Iterable[str] = (),
        **days: Unpack[Days],
    ) -> Forecasts:
        """Forecasts of series, perhaps with changes of the plan; waits where it becomes a job."""
        body: dict[str, Any] = {"unique_ids": list(unique_ids), "where": where, "changes": list(changes)}
        body |= {name: value if name == "h" else str(value) for name, value in days.items() if value is not None}
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
        return self._connection.http.get("ready").is_success

    def metrics(self) -> str:
        """Counts and times, as Prometheus reads them."""
        return self.request("GET", "metrics").text

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer to any request; raises ProblemError when it is refused."""
        return self._connection.request(method, path, **options)
