"""What the drift page says beside the drift: what is wrong now, and what became of past forecasts."""

import json

import polars as pl
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard.pages.drift import body


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def test_open_alerts_come_with_their_title_and_gravity(monkeypatch: pytest.MonkeyPatch) -> None:
    alerts = [
        {"id": "a1", "kind": "damage", "severity": "critical", "message": "WAPE is 50 %"},
        {"id": "b2", "kind": "bias", "severity": "warning", "message": "too much is forecast"},
    ]
    monkeypatch.setattr(body.queries, "read_open_alerts", lambda _: pl.DataFrame(alerts))
    damage, bias = map(text_of, body._open_alerts(None))
    assert "Forecasts are worse than expected" in damage
    assert "WAPE is 50 % (alert a1)" in damage
    assert "notice-bad" in damage
    assert "notice-watch" in bias


def test_past_forecasts_stand_beside_the_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body.queries, "read_verdicts", lambda *_: ["all series: WAPE 20 %"])
    assert "all series: WAPE 20 %" in text_of(body._past_forecasts(None, "2024-02-04"))
    monkeypatch.setattr(body.queries, "read_verdicts", lambda *_: [])
    assert "drift alone says little" in text_of(body._past_forecasts(None, "2024-02-04"))
