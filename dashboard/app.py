"""The dashboard of one job: `create_app(config)` returns the ASGI app, `prepare(config, host, port)` a server for it.

One process serves both the pages (Dash) and the API (FastAPI), until it is interrupted. Before both stands the guard,
which says who may ask what; `create_guarded(config, access)` also returns what is behind it.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from dash import Dash
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from dashboard.access import policy
from dashboard.access.entry import password, provider
from dashboard.access.guard import Guard
from dashboard.access.headers import Hardening
from dashboard.access.settings import Access, check_host, open_access
from dashboard.access_log import AccessLog
from dashboard.api import create_api, v1
from dashboard.page import add_page
from dashboard.pages import find_pages
from dashboard.shell import register_shell, shell_layout
from forecasting.config import Config

log = logging.getLogger(__name__)
KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than clients keep theirs, or a request meets one just closed."""


@dataclass(frozen=True)
class Guarded:
    """The dashboard behind its guard: the ASGI app, and for tests what it guards."""

    app: Guard
    server: FastAPI
    rest: FastAPI
    pages: Dash


def create_app(config: Config) -> Guard:
    """The ASGI app of a job. One process serves one config: Dash keeps its page registry per process."""
    return create_guarded(config, open_access(config)).app


def create_guarded(config: Config, access: Access) -> Guarded:
    """The dashboard behind a guard that lets in whom `access` knows."""
    hardening = Hardening()

    @asynccontextmanager
    async def set_up(server: FastAPI) -> AsyncIterator[None]:
        await _set_up_callbacks(server)
        policy.check_complete({"": server, v1.PATH: server.state.rest})
        hardening.allow_scripts(app.csp_hashes())
        yield

    server = create_api(config, set_up)
    server.include_router(password.routes(access))
    server.include_router(provider.routes(access))
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
    register_shell(app, config, pages)
    return Guarded(Guard(server, access, hardening), server, server.state.rest, app)


def prepare(config: Config, host: str = "127.0.0.1", port: int = 8050) -> uvicorn.Server:
    """The server of the dashboard, whose `run()` serves until interrupted.

    Raises UserError where people on other machines could come in without signing in.
    """
    access = open_access(config)
    check_host(access, host)
    app = create_guarded(config, access).app
    settings = uvicorn.Config(
        AccessLog(app),
        host=host,
        port=port,
        log_level="warning",
        log_config=None,  # as all of this program's (see forecasting.services.log)
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
    )
    return uvicorn.Server(settings)


async def _set_up_callbacks(server: FastAPI) -> None:
    """Request "/" once: Dash registers its callbacks on the first request there, other pages would come too early."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://localhost") as client:
        await client.get("/")


def _log_error(error: Exception) -> None:
    """Dash responds with 500 and logs nothing: log the error. A refusal is no error."""
    if not isinstance(error, HTTPException):
        log.error("a callback failed", exc_info=error)
    raise error
