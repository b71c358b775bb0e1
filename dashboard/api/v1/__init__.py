"""The REST API, /api/v1: `create_rest(context)` returns the app of all resources here, one module each.

Each module has `routes(context) -> APIRouter` and is found by itself. Errors are problems (RFC 9457) on every path.
"""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dashboard import rest
from dashboard.access import policy
from dashboard.rest.context import Context
from dashboard.rest.counters import CountRequests
from dashboard.rest.problems import MEDIA_TYPE, add_problem_handlers, responses

PATH = "/api/v1"
DESCRIPTION = """Forecasts of one job: single predictions with other prices or promotions than planned, files of them,
whole horizons, saved scenarios, and the state of models and service.

Errors are `application/problem+json` (RFC 9457) and name the field. Answers to GET have an ETag that holds until there
is a newer forecast. Long work is answered by 202 with a job to poll."""


EXAMPLES = json.loads(Path(rest.__file__).with_name("examples.json").read_text("utf-8"))
"""Examples of parameters and bodies by their names, and of texts by their path."""
KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `demandcast keys add`; none where the job has no accounts.",
}


def create_rest(context: Context) -> FastAPI:
    """The app that is mounted at /api/v1."""
    app = FastAPI(
        title=f"demandcast {context.config.name}",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # these pages would load scripts from the network
        redoc_url=None,
        redirect_slashes=False,
    )
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        app.include_router(importlib.import_module(module.name).routes(context))
    app.add_middleware(CountRequests, counters=context.counters)
    add_problem_handlers(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _add_guard(operation: dict[str, Any], rule: policy.Rule) -> None:
    """What the guard before the API asks for and may answer (see dashboard/access)."""
    if rule.role is None:
        return
    operation["security"] = [{"key": []}, {}]
    operation["description"] = f"{operation.get('description', '')}\n\nRole: {rule.role}.".strip()
    for status, answer in responses(401, 403, 429).items():
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"].setdefault(str(status), {"description": answer["description"], "content": content})


def _add_examples(operation: dict[str, Any], path: str) -> None:
    """Examples of parameters, and of an answer that is a text."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in EXAMPLES["parameters"] and "examples" not in parameter["schema"]:
            parameter["example"] = EXAMPLES["parameters"][parameter["name"]]
    if path in EXAMPLES["texts"]:
        for content in operation["responses"]["200"]["content"].values():
            content["example"] = EXAMPLES["texts"][path]


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the API, in which errors have the media type of problems."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes,
            servers=[{"url": PATH}],
        )  # fmt: skip
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                _add_guard(operation, policy.rule_of(method.upper(), PATH + path))
                _add_examples(operation, path)
                for status, response in operation["responses"].items():
                    if status >= "400" and "application/json" in response.get("content", {}):
                        response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}
        for name, example in EXAMPLES["schemas"].items():
            schema["components"]["schemas"][name]["examples"] = [example]
        schema["components"]["securitySchemes"] = {"key": KEY}
        app.openapi_schema = schema
    return app.openapi_schema
