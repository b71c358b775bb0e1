"""The ASGI app without a browser: it stays responsive, and reports are locked down."""

import asyncio
import time

import httpx
import pytest

from dashboard import app, async_queries
from dashboard.api import create_api
from forecasting.errors import UserError
from forecasting.steps import queries
from tests.dashboard import fake_store as fake


def client(server) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://localhost")


def get(server, path: str) -> httpx.Response:
    async def request() -> httpx.Response:
        async with client(server) as http:
            return await http.get(path)

    return asyncio.run(request())


def test_health_reads_nothing_from_the_store(bare):
    response = get(create_api(bare), "/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "config": "corner"})


def test_a_report_may_draw_itself_and_nothing_else(job):
    response = get(create_api(job[0]), f"/reports/drift/{fake.LAST}")
    assert response.text == fake.REPORT
    policy = response.headers["content-security-policy"]
    assert "sandbox allow-scripts;" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy


@pytest.mark.parametrize(("path", "status"), [("/reports/drift/1999-01-01", 404), ("/reports/drift/..%2Fsecret", 404)])
def test_an_unknown_report_is_not_found(job, path, status):
    assert get(create_api(job[0]), path).status_code == status


def test_a_report_needs_a_date(job):
    assert get(create_api(job[0]), "/reports/drift/newest").status_code == 422


def test_health_responds_during_a_slow_callback(job, monkeypatch):
    config, _ = job
    begun, finish = asyncio.Event(), time.monotonic() + 20

    async def play() -> tuple[httpx.Response, bool]:
        loop = asyncio.get_running_loop()
        release = asyncio.Event()

        def slow(_):
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)
            return queries.Status(None, None, None, None, 0)

        monkeypatch.setattr(queries, "read_status", slow)
        server = app.create_app(config)
        async with client(server) as http:
            await http.get("/")
            callback = asyncio.create_task(http.post("/_dash-update-component", json=FRESHNESS_REQUEST))
            await asyncio.wait_for(begun.wait(), 20)
            health = await http.get("/health")
            waiting = not callback.done()
            release.set()
            assert (await callback).status_code == 200
        assert time.monotonic() < finish
        return health, waiting

    health, waiting = asyncio.run(play())
    assert health.status_code == 200
    assert waiting, "the callback was to be slow"


FRESHNESS_REQUEST = {
    "output": "freshness.children",
    "outputs": {"id": "freshness", "property": "children"},
    "inputs": [{"id": "_pages_location", "property": "pathname", "value": "/"}],
    "changedPropIds": ["_pages_location.pathname"],
}


def test_a_failure_leaves_the_rest_of_the_page_alive(bare, caplog):
    def mistaken(_) -> None:
        raise UserError("the sentence")

    def broken(_) -> None:
        raise ZeroDivisionError

    assert "the sentence" in str(asyncio.run(async_queries.render(bare, mistaken)))
    shown = str(asyncio.run(async_queries.render(bare, broken)))
    assert "log of the server" in shown
    assert "ZeroDivisionError" not in shown
    assert "ZeroDivisionError" in caplog.text
