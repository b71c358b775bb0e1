"""`routes(context)`: GET /events, past promotions and changes of price, and what they are associated with.

All series are measured together, since those of a market tell about each other; what was found is kept. Until then a
large job is answered by 202 and a job to poll. Nothing is stored.
"""

from collections.abc import Iterator
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Query, Request, Response

from dashboard.api.v1.jobs import JobBody, accepted
from dashboard.rest import caching
from dashboard.rest.context import Context
from dashboard.rest.evidence_bodies import Events, events_body
from dashboard.rest.problems import responses
from dashboard.rest.series_query import DatedQuery, Prefer, blaming
from forecasting.steps.explaining import are_events_held, past_events

MOST_OBSERVED = 50_000
"""Observations that are looked through at once; more are a job."""


def routes(context: Context) -> APIRouter:
    """GET /events."""
    router = APIRouter(tags=["events"])
    both = {202: {"model": JobBody, "description": "Accepted"}, 304: {"description": "Not Modified"}}

    @router.get("/events", responses=responses(409, 429) | both)
    def events(
        query: Annotated[DatedQuery, Query()], request: Request, response: Response, prefer: Prefer = ""
    ) -> Events | JobBody:
        """Promotions and changes of price of the last two years: baseline, uplift, the dip after, halo, revenue.

        Where there are many observations the first answer is 202 and a job, whose result has this form.
        """
        session = context.current.session()
        tag = caching.etag(session.store.load, "events", query.model_dump_json())
        if held := caching.unchanged(request, tag):
            return held  # type: ignore[return-value]

        def parts() -> Iterator[Events]:
            yield events_body(blaming(lambda: past_events(session, query.filter, query.cutoff), "cutoff"))

        observed = session.store.scan("series").select(pl.col("n").sum()).collect().item()
        held_already = blaming(lambda: are_events_held(session, query.cutoff), "cutoff")
        long = observed > MOST_OBSERVED and not held_already
        if long or "respond-async" in prefer:
            return accepted(context.jobs.submit("events", 1, parts, lambda done: done[0]), response)
        response.headers.update(caching.headers(tag))
        return next(parts())

    return router
