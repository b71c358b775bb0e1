"""Which role each route needs: `rule_of(method, path)` returns its Rule; `check_complete(apps)` finds forgotten routes.

A route that is not listed here keeps the server from starting. What matches none of them exists for nobody: to find
out that there is nothing, one has to be signed in.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from forecasting.services.accounts.identity import Role

NOBODY = None
"""The role of routes that are answered to all."""
JSON_LIMIT, FORM_LIMIT = 2_000_000, 16_000
"""Bytes of a body."""
OWN_LIMIT = None
"""The route reads its body in parts, and counts."""
SAFE = ("GET", "HEAD", "OPTIONS")

TABLE: dict[str, dict[str, Role | None]] = {
    "/health": {"GET": NOBODY},
    "/sign-in": {"GET": NOBODY, "POST": NOBODY},
    "/sign-in/provider": {"GET": NOBODY},
    "/sign-in/back": {"GET": NOBODY},
    "/sign-out": {"POST": NOBODY},
    "/ready": {"GET": "viewer"},
    "/metrics": {"GET": "viewer"},
    "/openapi.json": {"GET": "viewer"},
    "/reports/drift/{cutoff}": {"GET": "viewer"},
    "/api/v1/openapi.json": {"GET": "viewer"},
    "/api/v1/health": {"GET": NOBODY},
    "/api/v1/ready": {"GET": "viewer"},
    "/api/v1/metrics": {"GET": "viewer"},
    "/api/v1/status": {"GET": "viewer"},
    "/api/v1/series": {"GET": "viewer"},
    "/api/v1/models": {"GET": "viewer"},
    "/api/v1/predict": {"POST": "viewer"},
    "/api/v1/predict/batch": {"POST": "planner"},
    "/api/v1/forecasts": {"POST": "planner"},
    "/api/v1/forecasts/{unique_id:path}": {"GET": "viewer"},
    "/api/v1/explanations": {"GET": "viewer"},
    "/api/v1/explanations/changes": {"GET": "viewer"},
    "/api/v1/explanations/inputs": {"GET": "viewer"},
    "/api/v1/levers": {"GET": "viewer"},
    "/api/v1/events": {"GET": "viewer"},
    "/api/v1/jobs/{job_id}": {"GET": "viewer", "DELETE": "planner"},
    "/api/v1/jobs/{job_id}/result": {"GET": "viewer"},
    "/api/v1/scenarios": {"GET": "viewer", "POST": "planner"},
    "/api/v1/scenarios/search": {"POST": "viewer"},
    "/api/v1/scenarios/{name}/copy": {"POST": "planner"},
    "/api/v1/scenarios/{name}": {"GET": "viewer", "DELETE": "planner"},
    # Dash; which role a callback needs stands at the callback
    "/": {"GET": "viewer"},
    "/assets/{path:path}": {"GET": "viewer"},
    "/_dash-component-suites/{package_name}/{fingerprinted_path:path}": {"GET": "viewer"},
    "/_dash-layout": {"GET": "viewer"},
    "/_dash-dependencies": {"GET": "viewer"},
    "/_dash-update-component": {"POST": "viewer"},
    "/_dash-ws-callback": {"WEBSOCKET": "viewer"},
    "/_reload-hash": {"GET": "viewer"},
    "/_favicon.ico": {"GET": "viewer"},
    "{path:path}": {"GET": "viewer"},  # the pages, and what says that there is no such page
}
LIMITS = {"/api/v1/predict/batch": OWN_LIMIT, "/sign-in": FORM_LIMIT, "/sign-out": FORM_LIMIT}
"""Route -> the bytes that its body may have, where they are not JSON_LIMIT."""
QUESTIONS = ("/api/v1/predict/batch", "/api/v1/forecasts")
"""POST, but nothing is written: the table `predictions` has what they were answered."""


@dataclass(frozen=True)
class Rule:
    """What a route asks for: the least role (None: nobody has to be signed in), and how large its body may be."""

    route: str
    role: Role | None
    limit: int | None
    writes: bool


UNKNOWN = Rule("unknown", "viewer", JSON_LIMIT, writes=False)
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple((compile_path(route)[0], route) for route in TABLE)


def rule_of(method: str, path: str) -> Rule:
    """The rule of a request; "WEBSOCKET" stands for the method of a connection that stays open."""
    verb = "GET" if method == "HEAD" else method
    for pattern, route in PATTERNS:
        if verb in TABLE[route] and pattern.match(path):
            role = TABLE[route][verb]
            writes = role in ("planner", "admin") and route not in QUESTIONS
            return Rule(route, role, LIMITS.get(route, JSON_LIMIT), writes)
    return UNKNOWN


def check_complete(apps: Mapping[str, FastAPI]) -> None:
    """Raise when a route of these apps, by the path below which each answers, stands in no line of the table."""
    missing = sorted(f"{m} {route}" for m, route in routes_of(apps) if m not in TABLE.get(route, {}))
    if missing:
        raise RuntimeError(f"dashboard/access/policy.py does not say who may ask for {', '.join(missing)}")


def routes_of(apps: Mapping[str, FastAPI]) -> set[tuple[str, str]]:
    """(method, path with its parameters) of every route of these apps."""
    return {found for prefix, app in apps.items() for found in _routes(prefix, app)}


def _routes(prefix: str, app: FastAPI) -> Iterable[tuple[str, str]]:
    for route in iter_route_contexts(app.routes):
        original = route.original_route
        if methods := getattr(route, "methods", None) or getattr(original, "methods", None):
            yield from ((method, prefix + str(route.path)) for method in methods if method != "HEAD")
        elif "WebSocket" in type(original).__name__:
            yield "WEBSOCKET", prefix + str(route.path)
        else:  # a folder of files
            yield "GET", f"{prefix}{route.path}/{{path:path}}"
