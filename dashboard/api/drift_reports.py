"""`routes(config)`: GET /reports/drift/{cutoff} returns the stored HTML report of a drift check, or 404.

No report is made here. It may run its own scripts and do nothing else.
"""

from datetime import date

from fastapi import APIRouter, HTTPException, Response

from dashboard.async_queries import run_query
from forecasting.config import Config
from forecasting.steps import queries

SANDBOX_HEADERS = {
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; connect-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""A report runs its scripts in a separate origin, and can reach neither the network nor the dashboard."""


def routes(config: Config) -> APIRouter:
    """GET /reports/drift/{cutoff}."""
    router = APIRouter()

    @router.get("/reports/drift/{cutoff}")
    async def drift_report(cutoff: date) -> Response:
        """The report of the drift check at a cutoff; 404 when there is none."""
        page = await run_query(config, queries.read_drift_report, cutoff)
        if page is None:
            raise HTTPException(404, f"there is no drift report of {cutoff}")
        return Response(page, media_type="text/html", headers=SANDBOX_HEADERS)

    return router
