"""`routes(context)`: GET /explanations, of published forecasts, /explanations/changes since the vintage before, and
/explanations/inputs, of trees.

Few series are explained at once, many by 202 and a job to poll. Nothing is stored.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from dashboard.api.v1.jobs import JobBody, accepted
from dashboard.rest import caching
from dashboard.rest.context import Context
from dashboard.rest.evidence_bodies import (
    Changes,
    Explanations,
    Inputs,
    change_body,
    explanation_body,
    inputs_body,
)
from dashboard.rest.problems import responses
from dashboard.rest.series_query import DatedQuery, Prefer, SeriesQuery, blaming
from forecasting.steps.explaining import explain, explain_change, explain_inputs
from forecasting.steps.scenario.run import chosen_series

MOST_SERIES = 20
"""Series that are explained at once; more are a job."""
ANSWERS = responses(409, 429) | {
    202: {"model": JobBody, "description": "Accepted"},
    304: {"description": "Not Modified"},
}


class DaysQuery(DatedQuery):
    """Series, and days of their forecast."""

    start: date | None = Field(default=None, description="First day; the first one of the forecast by default.")
    end: date | None = Field(default=None, description="Last day; the last one of the forecast by default.")


@dataclass(frozen=True)
class Asked:
    """A request beside its query, and the answer that gets headers."""

    request: Request
    response: Response
    prefer: Prefer = ""


Depending = Annotated[Asked, Depends()]


def routes(context: Context) -> APIRouter:
    """The routes of /explanations."""
    router = APIRouter(tags=["explanations"])

    @router.get("/explanations", responses=ANSWERS)
    def explanations(query: Annotated[DaysQuery, Query()], asked: Depending) -> Explanations | JobBody:
        """What published forecasts are made of: level, trend, season, price, promotion, in units that add up to them.

        More than 20 series are answered by 202 and a job, whose result has this form. They are associations.
        """

        return _answer(context, query, asked, lambda: explanation_body(explain(*_question(context, query))))

    @router.get("/explanations/changes", responses=ANSWERS)
    def changes(query: Annotated[SeriesQuery, Query()], asked: Depending) -> Changes | JobBody:
        """Why forecasts are others than in the vintage before: plans, data or model, in units that add up."""

        def make() -> Changes:
            return change_body(explain_change(context.current.session(), query.filter))

        return _answer(context, query, asked, make)

    @router.get("/explanations/inputs", responses=ANSWERS)
    def inputs(query: Annotated[DaysQuery, Query()], asked: Depending) -> Inputs | JobBody:
        """What each input of the trees behind published forecasts adds to them, in units; the largest first."""
        return _answer(context, query, asked, lambda: inputs_body(explain_inputs(*_question(context, query))))

    return router


def _answer(context: Context, query: SeriesQuery, asked: Asked, make: Callable[[], Any]) -> Any:
    """What `make` returns, at once or by a job; 304 to a client that has it already."""
    served = context.current.served()
    tag = caching.etag(served.identity, asked.request.url.path, query.model_dump_json())
    if held := caching.unchanged(asked.request, tag):
        return held
    ids, _ = blaming(lambda: chosen_series(served, query.filter), "where")

    def parts() -> Iterator[Any]:
        yield blaming(make, "start")

    if ids.len() > MOST_SERIES or "respond-async" in asked.prefer:
        return accepted(context.jobs.submit("explanations", 1, parts, lambda done: done[0]), asked.response)
    asked.response.headers.update(caching.headers(tag))
    return next(parts())


def _question(context: Context, query: DaysQuery) -> tuple[Any, ...]:
    """What explain and explain_inputs take."""
    served = context.current.served()
    days = None
    if query.start or query.end:
        frequency, h = served.job.config.frequency, served.job.config.h
        cutoff = query.cutoff or served.cutoff
        days = (query.start or frequency.shift(cutoff, 1), query.end or frequency.shift(cutoff, h))
    return served.session, query.filter, days, query.cutoff
