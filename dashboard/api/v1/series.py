"""`routes(context)`: GET /series, the series of the job, searched and page by page.

Series are sorted by their sales, the largest first, as everywhere in the dashboard.
"""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from dashboard.rest import caching
from dashboard.rest.context import Context
from dashboard.rest.problems import responses
from forecasting.columns import user_name
from forecasting.steps import queries

MOST = 1000


class Series(BaseModel):
    """One series and what was observed of it."""

    unique_id: str
    first: date | None = Field(description="First day with an observation; null for an announced series.")
    last: date | None
    observations: int
    mean: float | None = Field(description="Mean of the observed values.")
    demand_class: str | None = Field(description="smooth, erratic, intermittent or lumpy, for example.")
    columns: dict[str, Any] = Field(description="What is the same on all days, such as its store and its category.")


class SeriesPage(BaseModel):
    """A part of the series that were found."""

    total: int = Field(description="Series that were found, on all pages.")
    offset: int
    next: int | None = Field(description="The offset of the next page; null on the last one.")
    items: list[Series]


def routes(context: Context) -> APIRouter:
    """GET /series."""
    router = APIRouter(tags=["series"])

    @router.get("/series", responses=responses(409) | {304: {"description": "Not Modified"}})
    def series(
        request: Request,
        response: Response,
        search: Annotated[str, Query(max_length=200, description="Words that the id holds, in any case")] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    ) -> SeriesPage:
        """Series whose id holds every word of `search`, the largest sales first."""
        session = context.current.session()
        tag = caching.etag(session.store.load, search, limit, offset)
        if held := caching.unchanged(request, tag):
            return held  # type: ignore[return-value]
        total, rows = queries.read_series_page(session, search, limit, offset)
        response.headers.update(caching.headers(tag))
        statics = [c for c in session.config.static_columns if c in rows.columns]
        items = [_item(row, statics) for row in rows.iter_rows(named=True)]
        after = offset + len(items)
        return SeriesPage(total=total, offset=offset, next=after if after < total and items else None, items=items)

    return router


def _item(row: dict[str, Any], statics: list[str]) -> Series:
    kept = {name: row[name] for name in ("unique_id", "first", "last", "mean", "demand_class")}
    return Series(**kept, observations=row["n"] or 0, columns={user_name(name): row[name] for name in statics})
