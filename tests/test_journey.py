"""From a CSV of two columns to a figure: the way of somebody with weekly sales and no more."""

import json
import math
from datetime import date, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from dashboard import figures
from forecasting.config import load
from forecasting.steps import queries, run_step
from forecasting.steps.export import export_table
from forecasting.steps.registry import PIPELINE
from forecasting.steps.session import open_session

WEEKS, H = 170, 8
FIRST = date(2021, 1, 4)
LAST = FIRST + timedelta(7 * (WEEKS - 1))
CONFIG = """
name: shop
source: {kind: table, path: SALES}
freq: 1w
h: 8
models: [ladder, {stats: AutoETS}]
store: {root: FOLDER/lake}
tracking: {uri: sqlite:///FOLDER/mlflow.db, artifacts: FOLDER/mlartifacts}
"""


def sold(week: int) -> int:
    """A level, a little growth, more in December, and a wobble."""
    day = FIRST + timedelta(7 * week)
    return round(200 + week / 4 + 120 * (day.month == 12) + 15 * math.sin(2.3 * week))


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> SimpleNamespace:
    """The whole pipeline on a file that a spreadsheet could have saved, one cell of it unreadable."""
    folder = tmp_path_factory.mktemp("shop")
    lines = [f"{FIRST + timedelta(7 * week)},{sold(week)}" for week in range(WEEKS)]
    lines[60] = lines[60].split(",")[0] + ",closed for repairs"
    (folder / "sales.csv").write_bytes(("week,units\r\n" + "\r\n".join(lines) + "\r\n").encode())
    text = CONFIG.replace("SALES", str(folder / "sales.csv")).replace("FOLDER", str(folder))
    (folder / "shop.yaml").write_text(text)
    config = load(folder / "shop.yaml")
    told = {step: run_step(step, config).facts for step in PIPELINE}
    assert export_table(open_session(config), "forecasts", folder / "forecasts.csv") > 0
    exported = pl.read_csv(folder / "forecasts.csv", try_parse_dates=True)
    return SimpleNamespace(folder=folder, config=config, told=told, exported=exported)


def test_every_line_is_accounted_for(shop):
    told = shop.told["ingest"]
    assert (told["lines"], told["aggregated"], told["quarantined"]) == (WEEKS, WEEKS - 1, 1)
    assert (told["keys"], told["observed"], told["filled"]) == (WEEKS, WEEKS - 1, 1)
    assert (told["series"], told["last"]) == (1, str(LAST))


def test_every_step_tells_plain_json(shop):
    assert set(shop.told) == set(PIPELINE)
    assert json.loads(json.dumps(shop.told)) == shop.told


def test_the_export_is_the_next_eight_weeks(shop):
    assert shop.exported.height == shop.told["predict"]["rows"]
    champion = shop.exported.filter(pl.col("model") == shop.told["predict"]["champion"], pl.col("grain") == "series")
    assert champion["unique_id"].unique().to_list() == ["shop"]
    assert champion["ds"].to_list() == [LAST + timedelta(7 * k) for k in range(1, H + 1)]
    truth = [sold(WEEKS - 1 + k) for k in range(1, H + 1)]
    errors = [abs(yhat - y) for yhat, y in zip(champion["yhat"], truth, strict=True)]
    assert sum(errors) / sum(truth) < 0.15
    for inner, outer in (("lo-80", "lo-95"), ("hi-95", "hi-80")):
        assert (champion[inner] >= champion[outer]).all()


def test_the_quarantine_tells_the_line_as_it_came(shop):
    out = shop.folder / "quarantine.csv"
    assert export_table(open_session(shop.config), "quarantine", out) == 1
    row = pl.read_csv(out).row(0, named=True)
    assert (row["line"], row["rule"]) == (62, "number"), "the header is line 1"
    assert row["row"].endswith("closed for repairs")


def test_the_figure_holds_the_sales_and_the_forecast(shop):
    session = open_session(shop.config)
    selection = queries.resolve_selection(session, ["series:shop"])
    cutoff, version, kind = queries.list_vintages(session).row(0)
    assert (cutoff, kind) == (LAST, "published")
    champion = queries.list_models(session, cutoff, version, selection)[0]
    assert champion == shop.told["predict"]["champion"]
    labels = figures.ChartLabels("shop", session.config.frequency, through=cutoff)
    figure = figures.plot_forecast(
        queries.read_history(session, selection),
        queries.read_forecast(session, selection, cutoff, version, champion),
        labels,
        cutoff,
    )
    traces = {trace.name: trace for trace in figure.data}
    actual = dict(zip(traces["Actual"].x, traces["Actual"].y, strict=True))
    known = {FIRST + timedelta(7 * week): sold(week) for week in range(WEEKS) if week != 60}
    assert {ds: y for ds, y in actual.items() if y is not None} == known
    forecast = traces["Forecast (mean)"]
    assert list(forecast.x) == [LAST + timedelta(7 * k) for k in range(1, H + 1)]
    mine = shop.exported.filter(pl.col("model") == champion, pl.col("grain") == "series")
    assert list(forecast.y) == pytest.approx(mine["yhat"].to_list())
    assert {"80 % interval", "95 % interval"} <= set(traces)
    assert figure.layout.yaxis.title.text == "Sales (units per week)"
    assert str(LAST) in figure.layout.title.subtitle.text


def test_the_second_run_has_nothing_to_do(shop):
    again = [run_step(step, shop.config) for step in PIPELINE]
    assert [o.reused for o in again] == [True] * len(PIPELINE)
    assert [o.facts["version"] for o in again if o.facts.get("version")] == [1, 1]
