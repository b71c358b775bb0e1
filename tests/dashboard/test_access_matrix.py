"""Every route and every callback x every role x nobody: who is answered, and who is not.

Both are counted from the app itself, so that a new one fails here until it is said who may use it.
"""

import re
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.access import policy
from dashboard.api import v1
from tests.dashboard.guarded import House, open_house

WHO = ("nobody", "viewer", "planner", "admin")
ROUTES = {
    "nobody": {
        "GET /health", "GET /api/v1/health", "GET /sign-in", "POST /sign-in", "POST /sign-out",
        "GET /sign-in/provider", "GET /sign-in/back",
    },
    "viewer": {
        "GET /", "GET {path:path}", "GET /assets/{path:path}", "GET /_dash-layout", "GET /_dash-dependencies",
        "GET /_dash-component-suites/{package_name}/{fingerprinted_path:path}", "GET /_reload-hash",
        "GET /_favicon.ico", "POST /_dash-update-component", "WEBSOCKET /_dash-ws-callback",
        "GET /ready", "GET /metrics", "GET /openapi.json", "GET /reports/drift/{cutoff}",
        "GET /api/v1/openapi.json", "GET /api/v1/ready", "GET /api/v1/metrics", "GET /api/v1/status",
        "GET /api/v1/series", "GET /api/v1/models", "POST /api/v1/predict", "GET /api/v1/jobs/{job_id}",
        "GET /api/v1/jobs/{job_id}/result", "GET /api/v1/scenarios", "GET /api/v1/scenarios/{name}",
        "GET /api/v1/forecasts/{unique_id:path}", "POST /api/v1/scenarios/search", "GET /api/v1/explanations",
        "GET /api/v1/explanations/changes", "GET /api/v1/explanations/inputs", "GET /api/v1/levers",
        "GET /api/v1/events",
    },
    "planner": {
        "POST /api/v1/predict/batch", "POST /api/v1/forecasts", "POST /api/v1/scenarios",
        "POST /api/v1/scenarios/{name}/copy",
        "DELETE /api/v1/scenarios/{name}", "DELETE /api/v1/jobs/{job_id}",
    },
    "admin": set(),
}  # fmt: skip
"""The least that one has to be -> the routes. It stands here once more, so that no slip of the table goes unseen."""
PAGES = "dashboard.pages."
CALLBACKS = {
    "viewer": {
        "dashboard.page:add_page.<locals>.draw", "dashboard.page:register_address.<locals>.address",
        "dashboard.shell:register_shell.<locals>.freshness", "dashboard.shell:register_shell.<locals>.navigation",
        "dashboard.shell:register_shell.<locals>.account",
        "dashboard.shell:register_shell.<locals>.links", f"{PAGES}models.callbacks:register.<locals>.body",
        f"{PAGES}overview.callbacks:register.<locals>.body", f"{PAGES}drift.callbacks:register.<locals>.body",
        f"{PAGES}forecasts.callbacks:register.<locals>.body", f"{PAGES}forecasts.callbacks:register.<locals>.export",
        *(f"{PAGES}forecasts.callbacks:_register_controls.<locals>.{n}" for n in ("search", "keep_one_kind", "models")),
        *(f"{PAGES}scenario.callbacks:_register_changes.<locals>.{n}" for n in ("change", "change_list", "hint")),
        *(f"{PAGES}scenario.callbacks:_register_plan.<locals>.{n}" for n in ("search", "plan")),
        *(f"{PAGES}scenario.callbacks:_register_result.<locals>.{n}" for n in ("run", "export", "result")),
        f"{PAGES}scenario.saved_callbacks:register_saved.<locals>.saved",
        f"{PAGES}scenario.saved_callbacks:_register_open.<locals>.open_saved",
        f"{PAGES}scenario.saved_callbacks:_register_withdraw.<locals>.choose",
        *(f"{PAGES}scenario.saved_callbacks:_register_comparison.<locals>.{n}" for n in ("comparison", "names")),
        # called when its buttons are drawn, too: it refuses where one was pressed
        f"{PAGES}scenario.saved_callbacks:_register_duplicate.<locals>.duplicate",
        "dash.dash:Dash.enable_pages.<locals>.router_sync.<locals>.update",
    },
    "planner": {
        f"{PAGES}scenario.saved_callbacks:_register_save.<locals>.save",
        f"{PAGES}scenario.saved_callbacks:_register_withdraw.<locals>.withdraw",
    },
    "admin": {
        *(f"{PAGES}models.callbacks:register.<locals>.{n}" for n in ("promote", "rollback")),
        f"{PAGES}accounts.callbacks:_register.<locals>.act",  # every button of the page Access
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def house(serving, tmp_path_factory) -> House:
    return open_house(tmp_path_factory.mktemp("matrix"), serving)


def may(who: str, least: str) -> bool:
    return WHO.index(who) >= WHO.index(least)


def as_one(table: dict[str, set[str]]) -> dict[str, str]:
    return {name: least for least, names in table.items() for name in names}


def test_every_route_is_classified(house: House) -> None:
    found = policy.routes_of({"": house.guarded.server, v1.PATH: house.guarded.rest})
    assert {f"{method} {path}" for method, path in found} == set(as_one(ROUTES))
    listed = {f"{method} {path}" for path, methods in policy.TABLE.items() for method in methods}
    assert listed == set(as_one(ROUTES)), "a rule without a route is no rule"


def test_the_description_of_the_api_says_which_role_a_route_needs(house: House) -> None:
    with house.with_key("viewer") as asking:
        described = asking.get("/openapi.json").json()
    least = {route.replace(":path}", "}"): role for route, role in as_one(ROUTES).items()}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            role = least[f"{method.upper()} {v1.PATH}{path}"]
            told = operation["description"].rsplit("\n\n", 1)[-1]
            assert told == f"Role: {role}." or role == "nobody", path
            assert {"401", "403", "429"} <= set(operation["responses"]) or role == "nobody", path
    assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


@pytest.mark.parametrize("who", WHO)
def test_a_route_answers_only_whom_it_should(house: House, who: str) -> None:
    wrong = []
    with house.with_key(who) as asking:
        for route, least in as_one(ROUTES).items():
            method, template = route.split()
            if method == "WEBSOCKET":
                continue
            path = "/" + re.sub(r"\{.*?\}", "x", template).lstrip("/")
            answer = asking.request(method, path)
            refused = answer.status_code in (401, 403)
            if refused == may(who, least) and route != "POST /sign-in":
                wrong.append((route, answer.status_code))
            if refused and route != "POST /sign-in":
                assert answer.status_code == (401 if who == "nobody" else 403), route
                assert answer.headers["content-type"] == "application/problem+json", route
    assert wrong == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/status", "//health", "/health/",
             "/sign-in/x", "/API/v1/status", "/api/v1/scenarios/a%0Ab", "/%2Fapi/v1/status", "/api//v1/status"],
)  # fmt: skip
def test_nobody_learns_what_there_is(house: House, method: str, path: str) -> None:
    answer = httpx.request(method, house.address + path)
    assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("who", WHO)
def test_a_lasting_connection_is_for_who_may_read(house: House, who: str) -> None:
    address = house.address.replace("http", "ws") + "/_dash-ws-callback"
    header = {"Authorization": f"Bearer {house.keys[who]}"} if who != "nobody" else {}
    if who == "nobody":
        with pytest.raises(InvalidStatus, match="403"):
            connect(address, origin=house.address, additional_headers=header)
        return
    with connect(address, origin=house.address, additional_headers=header) as opened:
        opened.send("{}")
    with pytest.raises(InvalidStatus, match="403"):
        connect(address, origin="http://elsewhere.example", additional_headers=header)


def callbacks(house: House) -> dict[str, list[str]]:
    """Where a callback is written -> the outputs that are asked for by it; those in the browser are left out."""
    found: dict[str, list[str]] = {}
    for output, spec in house.guarded.pages.callback_map.items():
        if function := spec.get("callback"):
            found.setdefault(f"{function.__module__}:{function.__qualname__}", []).append(output)
    return found


def request_of(house: House, output: str) -> dict[str, Any]:
    """What a browser sends for a callback, without any value."""
    spec = house.guarded.pages.callback_map[output]
    given = {
        kind: [
            [] if str(part["id"]).startswith("{") else {"id": part["id"], "property": part["property"], "value": None}
            for part in spec[kind]
        ]
        for kind in ("inputs", "state")
    }
    parts = [dict(zip(("id", "property"), part.rsplit(".", 1), strict=True)) for part in output.strip(".").split("...")]
    return {"output": output, "outputs": parts if output.startswith("..") else parts[0], "changedPropIds": [], **given}


def test_every_callback_is_classified(house: House) -> None:
    assert set(callbacks(house)) == set(as_one(CALLBACKS))


@pytest.mark.parametrize("who", WHO)
def test_a_callback_answers_only_whom_it_should(house: House, who: str) -> None:
    wrong, asked = [], 0
    with house.with_key(who) as asking:
        for name, least in as_one(CALLBACKS).items():
            for output in callbacks(house)[name]:
                answer = asking.post("/_dash-update-component", json=request_of(house, output))
                asked += 1
                if (answer.status_code in (401, 403)) == may(who, least):
                    wrong.append((name, answer.status_code))
    assert wrong == []
    assert asked >= 25


def test_a_callback_that_the_app_has_not_is_not_called(house: House) -> None:
    body = {"output": "x.children", "outputs": {}, "inputs": [], "changedPropIds": []}
    with house.with_key("admin") as asking:
        assert asking.post("/_dash-update-component", json=body).status_code >= 400


def test_a_route_that_nobody_has_classified_keeps_the_server_from_starting(house: House) -> None:
    from fastapi import FastAPI

    other = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    other.get("/salaries")(lambda: None)
    with pytest.raises(RuntimeError, match="does not say who may ask for GET /salaries"):
        policy.check_complete({"": other})
