"""The REST side of the one ASGI process: health, and the drift reports as documents that may do nothing."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date

from fastapi import FastAPI, HTTPException, Response

from forecasting.config import Config
from forecasting.steps import queries

LOCKED = {
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; connect-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""A report runs its own scripts in an origin of its own, and can reach neither the network nor the dashboard."""


def build(config: Config, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """The FastAPI app on which the pages are mounted; `lifespan` is entered when it starts to serve."""
    api = FastAPI(title=f"demandcast {config.name}", docs_url=None, redoc_url=None, lifespan=lifespan)

    @api.get("/health")
    async def health() -> dict[str, str]:
        """Says that the process answers; asks nothing of the store."""
        return {"status": "ok", "config": config.name}

    @api.get("/reports/drift/{cutoff}")
    async def drift_report(cutoff: date) -> Response:
        """The drift report of a cutoff as locked-down HTML."""
        page = await asyncio.to_thread(queries.read_drift_report, config, cutoff)
        if page is None:
            raise HTTPException(404, f"there is no drift report of {cutoff}")
        return Response(page, media_type="text/html", headers=LOCKED)

    return api
