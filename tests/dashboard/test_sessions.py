"""A request opens the store once, whatever it shows."""

import asyncio
from collections import Counter

import dash_mantine_components as dmc
import pytest

from dashboard.async_queries import render, run_query
from dashboard.pages.drift.body import draw_body as draw_drift
from dashboard.pages.forecasts.body import draw_body as draw_forecast
from dashboard.pages.overview.body import draw_body as draw_overview
from forecasting.config import Config
from forecasting.services.store import Store
from forecasting.services.store.vintages import publish_vintage
from forecasting.steps import queries
from forecasting.steps.session import open_session
from tests.dashboard import fake_store as fake


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Scans by table; opening a session scans `loads` and `meta` once each, as they say which versions are read."""
    counted: Counter[str] = Counter()
    scan = Store.scan

    def counting(store: Store, name: str, /, **where):
        counted[name] += 1
        return scan(store, name, **where)

    monkeypatch.setattr(Store, "scan", counting)
    return counted


@pytest.mark.parametrize(
    ("draw", "args"),
    [
        (draw_overview, ("light",)),
        (draw_forecast, ((["group:total"], f"{fake.LAST}@2", "LightGBM"), "short", "light")),
        (draw_forecast, ((["series:S1/tea"], f"{fake.LAST}@2", "LightGBM"), "short", "light")),
        (draw_drift, (str(fake.LAST), "light")),
    ],
    ids=["overview", "aggregate", "series", "drift"],
)
def test_a_page_opens_the_store_once(job, opens, draw, args):
    assert isinstance(asyncio.run(render(job[0], draw, *args)), dmc.Stack), "the page was not drawn"
    assert (opens["loads"], opens["meta"]) == (1, 1)


def test_every_request_opens_the_store_for_itself(job: tuple[Config, dict], opens):
    for _ in range(2):
        asyncio.run(run_query(job[0], queries.read_status))
    assert (opens["loads"], opens["meta"]) == (2, 2)


def test_a_session_keeps_the_vintages_that_it_saw_first(tmp_path):
    config = fake.config_in(tmp_path)
    fake.fill(config)
    session = open_session(config)
    newest = queries.list_vintages(session).row(0)
    publish_vintage(fake.store_of(config), fake.build_frames(config)["vintages"].row(-1, named=True) | {"version": 3})
    assert queries.list_vintages(session).row(0) == newest
    assert queries.list_vintages(open_session(config)).row(0)[1] == 3
