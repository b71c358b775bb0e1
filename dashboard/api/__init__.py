"""The REST side of the dashboard: `create_api(config)` returns the FastAPI app with the REST API and the routes here.

The REST API, /api/v1, is in the package v1. Other routes have one module per resource here, each with
`routes(config) -> APIRouter`, found by itself. The pages are mounted elsewhere.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.api import v1
from dashboard.api.v1 import operations
from dashboard.rest.background import background
from dashboard.rest.context import create_context
from dashboard.rest.problems import add_problem_handlers
from forecasting.config import Config

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_api(config: Config, lifespan: Lifespan | None = None) -> FastAPI:
    """The FastAPI app on which the pages are mounted; `lifespan` is entered when it starts to serve."""
    context = create_context(config)

    @asynccontextmanager
    async def serving(app: FastAPI) -> AsyncIterator[None]:
        async with background(context), lifespan(app) if lifespan else nullcontext():
            yield

    api = FastAPI(title=f"demandcast {config.name}", docs_url=None, redoc_url=None, openapi_url=None, lifespan=serving)
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        if not module.ispkg:
            api.include_router(importlib.import_module(module.name).routes(config))
    api.state.context = context
    api.include_router(operations.routes(context))
    rest = api.state.rest = v1.create_rest(context)
    api.add_middleware(ApiPaths, rest=rest, other=_no_api())

    @api.get("/openapi.json")
    async def description(_: Request) -> Response:
        """The description of the REST API, where tools look for it first."""
        return JSONResponse(rest.openapi())

    return api


class ApiPaths:
    """Middleware that hands every path below /api to the REST app, or to the one that says that there is none.

    A route would not do: its patterns match no line feed, and such a path would be a page.
    """

    def __init__(self, app: ASGIApp, rest: ASGIApp, other: ASGIApp) -> None:
        self.app, self.rest, self.other = app, rest, other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(f"{v1.PATH}/"):
            scope = {**scope, "root_path": scope.get("root_path", "") + v1.PATH}
            await self.rest(scope, receive, send)
        elif path == "/api" or path.startswith("/api/"):
            await self.other(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _no_api() -> FastAPI:
    """What answers all other paths below /api: there is no such resource, and no page either."""
    nothing = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_problem_handlers(nothing)
    return nothing
