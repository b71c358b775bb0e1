"""The dashboard of one job: `create_app(config)` returns the ASGI app, `serve(config, host, port)` runs it.

One process serves both the pages (Dash) and the API (FastAPI), until it is interrupted.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from dash import Dash
from fastapi import FastAPI

from dashboard.api import create_api
from dashboard.page import add_page
from dashboard.pages import find_pages
from dashboard.shell import register_shell, shell_layout
from forecasting.config import Config

log = logging.getLogger(__name__)


def create_app(config: Config) -> FastAPI:
    """The ASGI app of a job. One process serves one config: Dash keeps its page registry per process."""
    server = create_api(config, _set_up_callbacks)
    app = Dash(
        "dashboard",
        server=server,
        use_pages=True,
        pages_folder="",
        title=f"demandcast · {config.name}",
        update_title=None,
        suppress_callback_exceptions=True,
        on_error=_log_error,
    )
    pages = find_pages()
    for page in pages:
        add_page(app, config, page)
    app.layout = shell_layout(config, pages)
    register_shell(app, config)
    return server


def serve(config: Config, host: str = "127.0.0.1", port: int = 8050) -> None:
    """Serve the dashboard until interrupted."""
    uvicorn.run(create_app(config), host=host, port=port, log_level="warning")


@asynccontextmanager
async def _set_up_callbacks(server: FastAPI) -> AsyncIterator[None]:
    """Request "/" once: Dash registers its callbacks on the first request there, other pages would come too early."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://dashboard") as client:
        await client.get("/")
    yield


def _log_error(error: Exception) -> None:
    """Dash responds with 500 and logs nothing: log the error."""
    log.error("a callback failed", exc_info=error)
    raise error
