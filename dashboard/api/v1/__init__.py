"""The REST API, /api/v1: `create_rest(context)` returns the app of all resources here, one module each.

Each module has `routes(context) -> APIRouter` and is found by itself. Errors are problems (RFC 9457) on every path.
"""

import importlib
import pkgutil
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dashboard.access import policy
from dashboard.rest.context import Context
from dashboard.rest.counters import CountRequests
from dashboard.rest.problems import MEDIA_TYPE, add_problem_handlers, responses

PATH = "/api/v1"
DESCRIPTION = """Forecasts of one job: single predictions with other prices or promotions than planned, files of them,
whole horizons, saved scenarios, and the state of models and service.

Errors are `application/problem+json` (RFC 9457) and name the field. Answers to GET have an ETag that holds until there
is a newer forecast. Long work is answered by 202 with a job to poll."""


KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `demandcast keys add`; none where the job has no accounts.",
}


def create_rest(context: Context) -> FastAPI:
    """The app that is mounted at /api/v1."""
    rest = FastAPI(
        title=f"demandcast {context.config.name}",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # these pages would load scripts from the network
        redoc_url=None,
        redirect_slashes=False,
    )
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        rest.include_router(importlib.import_module(module.name).routes(context))
    rest.add_middleware(CountRequests, counters=context.counters)
    add_problem_handlers(rest)
    rest.openapi = lambda: _openapi(rest)  # type: ignore[method-assign]
    return rest


def _add_guard(operation: dict[str, Any], rule: policy.Rule) -> None:
    """What the guard before the API asks for and may answer (see dashboard/access)."""
    if rule.role is None:
        return
    operation["security"] = [{"key": []}, {}]
    operation["description"] = f"{operation.get('description', '')}\n\nRole: {rule.role}.".strip()
    for status, answer in responses(401, 403, 429).items():
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"].setdefault(str(status), {"description": answer["description"], "content": content})


def _openapi(rest: FastAPI) -> dict[str, Any]:
    """The description of the API, in which errors have the media type of problems."""
    if rest.openapi_schema is None:
        schema = get_openapi(
            title=rest.title, version=rest.version, description=rest.description, routes=rest.routes,
            servers=[{"url": PATH}],
        )  # fmt: skip
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                _add_guard(operation, policy.rule_of(method.upper(), PATH + path))
                for status, response in operation["responses"].items():
                    if status >= "400" and "application/json" in response.get("content", {}):
                        response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}
        schema["components"]["securitySchemes"] = {"key": KEY}
        rest.openapi_schema = schema
    return rest.openapi_schema
