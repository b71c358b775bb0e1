"""The REST side of the dashboard: `create_api(config)` returns the FastAPI app with the routes of all modules here.

One module per resource, each with `routes(config) -> APIRouter`, found by itself. The pages are mounted elsewhere.
"""

import importlib
import pkgutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from forecasting.config import Config


def create_api(
    config: Config, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
) -> FastAPI:
    """The FastAPI app on which the pages are mounted; `lifespan` is entered when it starts to serve."""
    api = FastAPI(title=f"demandcast {config.name}", docs_url=None, redoc_url=None, lifespan=lifespan)
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        api.include_router(importlib.import_module(module.name).routes(config))
    return api
