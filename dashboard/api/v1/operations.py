"""`routes(context)`: GET /health, /ready and /metrics, for load balancers, orchestrators and Prometheus.

/health tells that the process responds and reads nothing; /ready whether forecasts can be served; both are also found
at the root of the server.
"""

from datetime import UTC, date, datetime, time

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from dashboard.rest.context import Context
from dashboard.rest.problems import Refusal, responses


class Health(BaseModel):
    """The process responds."""

    status: str
    config: str


class Ready(BaseModel):
    """Forecasts can be served: of this cutoff, by this version."""

    status: str
    cutoff: date
    version: int


def routes(context: Context) -> APIRouter:
    """GET /health, /ready and /metrics."""
    router = APIRouter(tags=["operations"])

    @router.get("/health")
    async def health() -> Health:
        """Whether the process responds; reads nothing from the store."""
        return Health(status="ok", config=context.config.name)

    @router.get("/ready", responses=responses(503))
    def ready() -> Ready:
        """Whether forecasts can be served; 503 while no forecast is published or the models cannot be loaded."""
        try:
            served = context.current.served()
        except Refusal as error:
            raise Refusal(503, error.detail, headers={"Retry-After": "30"}) from None
        return Ready(status="ready", cutoff=served.cutoff, version=served.version)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics() -> Response:
        """Counts and times of requests and predictions, as Prometheus reads them."""
        counters = context.counters
        try:
            served = context.current.served()
        except Refusal:
            pass
        else:
            counters.cutoff.set(datetime.combine(served.cutoff, time(), UTC).timestamp())
            counters.version.set(served.version)
        return Response(counters.text(), media_type=CONTENT_TYPE_LATEST)

    return router
