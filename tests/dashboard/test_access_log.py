"""Requests in the log: one JSON line each, with an id that all lines of the request have."""

import asyncio
import json
import logging

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dashboard.access_log import AccessLog
from forecasting.services import log


def answer(request: Request) -> PlainTextResponse:
    if request.url.path == "/broken":
        raise ZeroDivisionError("odd")
    logging.getLogger("dashboard").warning("half way")
    return PlainTextResponse("no", 404)


@pytest.fixture
def app(monkeypatch):
    kept = [(logger, logger.handlers, logger.level) for logger in map(logging.getLogger, (*log.PROGRAM, "demandcast"))]
    monkeypatch.setenv("DEMANDCAST_LOG", "json")
    log.setup()
    yield AccessLog(Starlette(routes=[Route("/{path}", answer)]))
    for logger, handlers, level in kept:
        logger.handlers = handlers
        logger.setLevel(level)


def test_a_request_is_a_line_without_what_may_be_secret(app, capsys):
    async def ask() -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await client.get("/series?token=s3cret", headers={"Authorization": "Bearer s3cret"})
            await client.get("/broken")

    asyncio.run(ask())
    text = capsys.readouterr().err
    inner, first, second = map(json.loads, text.splitlines())
    assert (first["method"], first["path"], first["status"]) == ("GET", "/series", 404)
    assert second["status"] == 500
    assert inner["message"] == "half way"
    assert inner["request_id"] == first["request_id"] != second["request_id"]
    assert "s3cret" not in text
