"""The page of models: what it shows of the versions, and whom it lets change which one forecasts."""

import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from dashboard.pages.models import body
from forecasting.errors import UserError
from forecasting.steps.lifecycle import champions
from forecasting.steps.lifecycle.champions import Promotion
from forecasting.steps.lifecycle.listing import LISTING
from tests.dashboard import fake_store
from tests.dashboard.guarded import House, open_house
from tests.dashboard.pressed import press, texts_of

TYPED = {"models-version": 1, "models-reason": "the price counts", "models-revision": 4}


@pytest.fixture(scope="module")
def house(serving, tmp_path_factory) -> House:
    return open_house(tmp_path_factory.mktemp("models"), serving, fake_store.fill)


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The promotions that were asked for: version, reason, and in whose name."""
    asked: list[tuple[Any, ...]] = []

    def promote(session: Any, version: int, reason: str) -> Promotion:
        session.require("admin")
        if not reason:
            raise UserError("must say why")
        asked.append((version, reason, session.user))
        return Promotion(version, "2026-01-05T00:00:00Z", "hand", session.user, reason, 2)

    monkeypatch.setattr(champions, "promote", promote)
    return asked


def test_versions_are_listed_with_who_forecasts_and_why(job, session, monkeypatch):
    row = dict.fromkeys(LISTING) | {"cutoff": date(2026, 1, 4), "registered": datetime(2026, 1, 5, 3, tzinfo=UTC)}
    rows = [
        row | {"version": 3, "role": "challenger", "wape": 0.21, "why": "not better"},
        row | {"version": 2, "role": "champion", "wape": 0.2, "live_wape": 0.25, "why": "wape 0.200 beats 0.220"},
        row | {"version": 1},
    ]
    monkeypatch.setattr(body, "list_versions", lambda _: pl.DataFrame(rows, schema=LISTING))
    told = texts_of(drawn := body.draw_body(session))
    assert "Version 2 is the champion: wape 0.200 beats 0.220" in told
    assert "Version 3 is the challenger: not better" in told
    table = next(part for part in drawn.children if getattr(part, "id", "") == "models-versions")
    assert [(r["version"], r["wape"], r["registered"]) for r in table.rowData] == [
        (3, 21.0, "2026-01-05 03:00"), (2, 20.0, "2026-01-05 03:00"), (1, None, "2026-01-05 03:00"),
    ]  # fmt: skip
    assert table.rowData[1]["live_wape"] == 25.0
    monkeypatch.setattr(body, "list_versions", lambda _: pl.DataFrame(schema=LISTING))
    assert "No versions yet" in texts_of(body.draw_body(session))


@pytest.mark.parametrize("who", ["viewer", "planner"])
def test_only_an_admin_changes_which_version_forecasts(house, changed, who):
    with house.with_key(who) as asking:
        assert press(asking, "models-promote", TYPED).status_code == 403
        assert "models-promote" not in page(asking)
    assert changed == []
    with house.with_key("admin") as asking:
        answer = press(asking, "models-promote", TYPED).json()["response"]
        assert "models-promote" in page(asking)
    assert changed == [(1, "the price counts", "key:admin")]
    assert answer["models-message"]["children"].startswith("Version 1 is the champion, version 2 is the challenger.")
    assert (answer["models-reason"]["value"], answer["models-revision"]["data"]) == ("", 5)


def test_what_is_refused_is_said_and_nothing_changes(house, changed):
    with house.with_key("admin") as asking:
        for wrong, says in (({"models-version": None}, "choose a version"), ({"models-reason": None}, "must say why")):
            answer = press(asking, "models-promote", TYPED | wrong).json()["response"]
            assert says in answer["models-message"]["children"]
            assert set(answer) == {"models-message"}, "what was typed stays"
    assert changed == []


def page(asking: Any) -> str:
    return json.dumps(press(asking, "query-Models", {"query-Models": {}}).json())
