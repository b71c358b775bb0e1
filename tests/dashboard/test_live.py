"""Queries and pages on tables that the steps wrote."""

import polars as pl
import pytest

from dashboard.pages import find_pages
from dashboard.pages.forecasts.body import draw_body as draw_forecast
from dashboard.pages.overview.body import draw_body as draw_overview
from dashboard.pages.scenario.result import draw_result
from dashboard.pages.scenario.run import run_scenario
from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.models.naive import LADDER
from forecasting.steps import queries, scenario
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import Session, open_session
from tests import chain


@pytest.fixture(scope="module")
def live() -> Session:
    """A session on the job that the tests of the steps use, too."""
    return open_session(chain.ran()[0].config())


@pytest.fixture(scope="module")
def largest(live: Session) -> str:
    return queries.find_series(live, "", 1)[0]


def test_kpis_are_the_scores_of_the_backtest(live):
    k = queries.read_kpis(live)
    scores = queries.read_run_facts(live, "backtest")["scores"]
    mine = next(s for s in scores if s["model"] == k.model and s["grain"] == "series")
    assert (k.wape, k.bias, k.coverage) == pytest.approx((mine["wape"], mine["bias"], mine["coverage-80"]))
    ladder = [s["wape"] for s in scores if s["grain"] == "series" and s["model"] in LADDER]
    assert k.ladder == pytest.approx(min(ladder))
    assert k.change.series == 8


def test_the_total_has_a_calibrated_interval(live):
    cutoff, version, _ = queries.list_vintages(live).row(0)
    model = queries.list_models(live, cutoff, version)[0]
    total = queries.read_forecast(live, queries.resolve_selection(live, ["group:total"]), cutoff, version, model)
    assert total.height == chain.H
    assert total.filter(pl.col("yhat") > 0).select((pl.col("lo-80") < pl.col("hi-80")).all()).item()
    parts = [queries.read_forecast(live, queries.resolve_selection(live, [f"series:{s}"]), cutoff, version, model)
             for s in queries.find_series(live)]  # fmt: skip
    assert sum(p["yhat"].sum() for p in parts) == pytest.approx(total["yhat"].sum())
    width = (total["hi-80"] - total["lo-80"]).sum()
    assert width < sum((p["hi-80"] - p["lo-80"]).sum() for p in parts), "errors of series cancel in part"


def forecast_scenario(session, unique_id, edits):
    return scenario.run_scenario(session, edits, SeriesFilter(unique_id=unique_id)).rows


def test_without_a_change_a_scenario_is_the_published_forecast(live, largest):
    cutoff, version, _ = queries.list_vintages(live).row(0)
    found = forecast_scenario(live, largest, [])
    assert found["difference"].abs().max() == 0
    published = queries.read_forecast(
        live, queries.resolve_selection(live, [f"series:{largest}"]), cutoff, version, queries.read_kpis(live).model
    )
    assert found["baseline"].to_list() == pytest.approx(published["yhat"].to_list())
    assert found["hi-80"].to_list() == pytest.approx(published["hi-80"].to_list())


def test_a_promotion_moves_the_forecast_on_its_days(live, largest):
    days = queries.read_plan(live, largest)["ds"]
    found = forecast_scenario(live, largest, [Edit("promo", "=", 1.0, days[2], days[4])])
    moved = dict(found.select("ds", "difference").iter_rows())
    assert sum(moved[d] for d in days[2:5]) > 0
    assert sum(abs(moved[d]) for d in days[2:5]) > sum(abs(moved[d]) for d in days[9:12])


def test_a_closed_day_sells_nothing(live, largest):
    plan = queries.read_plan(live, largest)
    day = plan.filter(pl.col("open") == 1)["ds"][0]
    row = forecast_scenario(live, largest, [Edit("open", "=", 0.0, day, day)]).row(
        by_predicate=pl.col("ds") == day, named=True
    )
    assert (row["yhat"], row["lo-80"], row["hi-80"]) == (0, 0, 0)
    assert row["baseline"] > 0


def test_an_unknown_series_gets_a_sentence(live):
    with pytest.raises(UserError, match="there is no series nobody"):
        forecast_scenario(live, "nobody", [])


def test_every_page_can_be_drawn(live, largest):
    cutoff, version, _ = queries.list_vintages(live).row(0)
    assert "kpi-accuracy" in str(draw_overview(live, "dark"))
    for page in find_pages():
        assert page.name in str(page.layout(live.config, {}))
    champion = queries.read_kpis(live).model
    drawn = draw_forecast(live, ([f"series:{largest}"], f"{cutoff}@{version}", champion), "year", None)
    assert largest in str(drawn)
    days = queries.read_plan(live, largest)["ds"]
    changes = [f"promo=1@{days[0]}:{days[-1]}"]
    outcome = run_scenario(live, largest, changes)
    assert "scenario-chart" in str(draw_result(live, outcome, [largest, changes], "light"))
