"""`routes(context)`: GET /status, the state of the job: its data, its last run, and the forecast that is served."""

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dashboard.rest.context import Context
from dashboard.rest.problems import responses
from forecasting.steps import queries


class Status(BaseModel):
    """The state of the job; fields are null before the first run."""

    config: str
    freq: str
    h: int
    series: int
    load: int | None = Field(description="Number of the load that is read.")
    through: date | None = Field(description="Last observed day.")
    last_run: datetime | None
    cutoff: date | None = Field(description="Last day that the served forecast knows.")
    version: int | None
    champion: str | None
    published_at: datetime | None


def routes(context: Context) -> APIRouter:
    """GET /status."""
    router = APIRouter(tags=["operations"])

    @router.get("/status", responses=responses(409))
    def status() -> Status:
        """The data, the last run and the served forecast of the job."""
        session = context.current.session()
        state, newest = queries.read_status(session), session.vintages.head(1).to_dicts()
        vintage = newest[0] if newest else {"version": None, "published_at": None}
        return Status(
            config=session.config.name,
            freq=session.config.freq,
            h=session.config.h,
            series=state.series,
            load=session.store.load,
            through=state.through,
            last_run=state.last_run,
            cutoff=state.cutoff,
            champion=state.champion,
            version=vintage["version"],
            published_at=vintage["published_at"],
        )

    return router
