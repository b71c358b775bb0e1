"""`routes(context)`: POST /forecasts, of many series, with changes of the plan, and GET /forecasts/{unique_id}.

Few series are answered at once, many by 202 and a job to poll. Every row that is served is logged.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Body, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard.api.v1.jobs import JobBody, accepted
from dashboard.rest import caching
from dashboard.rest.bodies import ForecastRow, Origin, forecast_rows
from dashboard.rest.context import Context
from dashboard.rest.problems import Refusal, responses
from forecasting.steps.serving.ranges import RangeForecast, RangeRequest, open_range

MOST_SERIES, MOST_CHANGED = 500, 50
"""Series that are answered at once, as published and with changes; more are a job."""
EXAMPLE = {"unique_ids": ["S1/tea"], "h": 7, "changes": ["price*=0.9@2024-05-20:2024-05-22"]}


class Wanted(BaseModel):
    """The series and days to be forecast."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE, {"where": "store = 'S1'"}]})

    unique_ids: list[str] = Field(default=[], max_length=10_000, description="Series; none: by `where`, or all.")
    where: str | None = Field(
        default=None,
        max_length=1000,
        description="An SQL condition over the columns of series, like store = 'S1'.",
    )
    start: date | None = Field(default=None, description="First day; the first one of the horizon by default.")
    end: date | None = Field(default=None, description="Last day; the last one of the horizon by default.")
    h: int | None = Field(default=None, ge=1, le=10_000, description="Number of periods, in place of `end`.")
    changes: list[str] = Field(
        default=[], max_length=100, description="Changes of the plan, like price*=0.9@2024-05-20:2024-05-26."
    )


class Forecasts(Origin):
    """Forecast rows, by series and day."""

    rows: list[ForecastRow]
    warnings: list[str] = Field(description="Where changes reach no value, or set one that was never observed.")


def routes(context: Context) -> APIRouter:
    """POST /forecasts and GET /forecasts/{unique_id}."""
    router = APIRouter(tags=["forecasts"])
    _add_forecast(router, context)
    _add_published(router, context)
    return router


def _add_forecast(router: APIRouter, context: Context) -> None:
    @router.post("/forecasts", responses=responses(409, 429) | {202: {"model": JobBody, "description": "Accepted"}})
    def forecast(
        wanted: Annotated[Wanted, Body()],
        response: Response,
        prefer: Annotated[str, Header(description="respond-async: as a job, however few series")] = "",
    ) -> Forecasts | JobBody:
        """Forecasts of series from one day to another, perhaps with changes of the plan.

        More than 500 series, or 50 with changes, are answered by 202 and a job, whose result has this form.
        """
        served = context.current.served()
        requested = open_range(served, RangeRequest(**wanted.model_dump()))
        parts = _logged(context, requested, "forecasts")
        most = MOST_SERIES if requested.changed is None else MOST_CHANGED
        if "respond-async" not in prefer and requested.ids.len() <= most:
            return _body(requested, list(parts()))
        job = context.jobs.submit("forecasts", requested.part_count, parts, lambda done: _body(requested, done))
        return accepted(job, response)


def _add_published(router: APIRouter, context: Context) -> None:
    @router.get("/forecasts/{unique_id:path}", responses=responses(404, 409) | {304: {"description": "Not Modified"}})
    def published(
        request: Request,
        response: Response,
        unique_id: Annotated[str, Path(description="A series, as in GET /series", examples=["S1/tea"])],
        start: Annotated[date | None, Query(description="First day")] = None,
        end: Annotated[date | None, Query(description="Last day")] = None,
        h: Annotated[int | None, Query(ge=1, le=10_000, description="Number of periods, in place of `end`")] = None,
    ) -> Forecasts:
        """The published forecast of a series. Its ETag holds until there is a newer forecast."""
        served = context.current.served()
        tag = caching.etag(served.identity, unique_id, start, end, h)
        if held := caching.unchanged(request, tag):
            return held  # type: ignore[return-value]
        if not (served.series["unique_id"] == unique_id).any():
            raise Refusal(404, f"there is no series {unique_id}", "unique_id")
        requested = open_range(served, RangeRequest((unique_id,), None, start, end, h))
        response.headers.update(caching.headers(tag))
        return _body(requested, list(_logged(context, requested, "forecasts/series")()))


def _logged(context: Context, requested: RangeForecast, operation: str) -> Callable[[], Iterator[pl.DataFrame]]:
    """The parts of a forecast, each logged when it is made."""

    def parts() -> Iterator[pl.DataFrame]:
        for rows in requested.parts():
            context.record(requested.served, rows, operation)
            yield rows

    return parts


def _body(requested: RangeForecast, parts: list[pl.DataFrame]) -> Forecasts:
    """The rows of all parts."""
    served = requested.served
    rows = [row for part in parts for row in forecast_rows(part, served.config.level)]
    return Forecasts.model_construct(
        cutoff=served.cutoff,
        version=served.version,
        model=served.vintage["champion"],
        rows=rows,
        warnings=list(requested.warnings),
    )
