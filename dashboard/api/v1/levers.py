"""`routes(context)`: GET /levers, how sales respond to price, promotion and other levers, by group and by series."""

from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from dashboard.rest import caching
from dashboard.rest.context import Context
from dashboard.rest.problems import Refusal, responses
from forecasting.steps.reports.lever_report import report_levers

MOST = 1000


class Effect(BaseModel):
    """How the sales of a group or a series respond to a lever: an association."""

    lever: str = Field(description="The column, with =text for one of its texts.")
    measure: str = Field(description="elasticity, uplift (0.5 is half as much again), or uplift per unit.")
    unique_id: str = Field(description="The series, or the value of the group.")
    estimate: float | None = Field(description="null where the data cannot tell.")
    lo: float | None = Field(description="Lower end of the 90 % interval.")
    hi: float | None
    timing: float | None = Field(description="Correlation of the moves of the lever with the demand before them.")
    doubt: str | None = Field(description="What speaks against relying on it.")


class GroupEffect(Effect):
    """The response of a group: of all series, or of those with a value of a static column."""

    grain: str = Field(description="total, or the static column.")


class SeriesEffect(Effect):
    """The response of a series, and what its lever was seen to be."""

    changes: int | None = Field(description="How often the lever was seen to change.")
    low: float | None = Field(description="The least value that was seen.")
    high: float | None
    last: float | None


class SeriesEffects(BaseModel):
    """A part of the effects of series that were found."""

    total: int
    offset: int
    next: int | None = Field(description="The offset of the next page; null on the last one.")
    items: list[SeriesEffect]


class Levers(BaseModel):
    """The response of sales, as the newest training has estimated it."""

    groups: list[GroupEffect]
    series: SeriesEffects


def routes(context: Context) -> APIRouter:
    """GET /levers."""
    router = APIRouter(tags=["levers"])

    @router.get("/levers", responses=responses(409) | {304: {"description": "Not Modified"}})
    def levers(
        request: Request,
        response: Response,
        lever: Annotated[str | None, Query(max_length=200, description="One lever alone, like price")] = None,
        search: Annotated[str, Query(max_length=200, description="Words that the id of a series holds")] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    ) -> Levers:
        """How sales respond to prices, promotions and other levers: elasticity or uplift, interval, range seen."""
        session = context.current.session()
        newest = session.store.scan("levers").select(pl.col("version").max()).collect().item()
        tag = caching.etag(session.store.load, newest, lever, search, limit, offset)
        if held := caching.unchanged(request, tag):
            return held  # type: ignore[return-value]
        tables = report_levers(session)
        groups, series = (_of_lever(tables[name], lever) for name in ("groups", "series"))
        if lever is not None and groups.is_empty() and series.is_empty():
            known = ", ".join(tables["groups"]["lever"].unique().sort())
            raise Refusal(422, f"no response to {lever} is known, but to {known}", "lever")
        for word in search.lower().split():
            series = series.filter(pl.col("unique_id").str.to_lowercase().str.contains(word, literal=True))
        response.headers.update(caching.headers(tag))
        return Levers(groups=[GroupEffect(**row) for row in groups.to_dicts()], series=_page(series, limit, offset))

    return router


def _of_lever(rows: pl.DataFrame, lever: str | None) -> pl.DataFrame:
    return rows if lever is None else rows.filter(pl.col("lever") == lever)


def _page(rows: pl.DataFrame, limit: int, offset: int) -> SeriesEffects:
    """`limit` of the rows from the row `offset` on."""
    part: list[dict[str, Any]] = rows.slice(offset, limit).to_dicts()
    after = offset + len(part)
    return SeriesEffects(
        total=rows.height,
        offset=offset,
        next=after if after < rows.height and part else None,
        items=[SeriesEffect(**row) for row in part],
    )
