"""The questions and pages on what the product itself wrote."""

import polars as pl
import pytest

from dashboard.pages import forecasts, overview, scenario
from forecasting.config import Config
from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.models.naive import LADDER
from forecasting.steps import queries
from tests import chain


@pytest.fixture(scope="module")
def live() -> Config:
    """The job that the tests of the steps look at, too."""
    return chain.ran()[0].config()


@pytest.fixture(scope="module")
def largest(live: Config) -> str:
    return queries.find_series(live, "", 1)[0]


def test_the_four_numbers_are_those_that_the_backtest_told(live):
    k = queries.read_kpis(live)
    told = queries.read_run_facts(live, "backtest")["scores"]
    mine = next(s for s in told if s["model"] == k.model and s["grain"] == "series")
    assert (k.wape, k.bias, k.coverage) == pytest.approx((mine["wape"], mine["bias"], mine["coverage-80"]))
    ladder = [s["wape"] for s in told if s["grain"] == "series" and s["model"] in LADDER]
    assert k.ladder == pytest.approx(min(ladder))
    assert k.change.series == 8


def test_the_total_has_an_interval_of_its_own(live):
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


def test_without_a_change_a_scenario_is_the_published_forecast(live, largest):
    cutoff, version, _ = queries.list_vintages(live).row(0)
    told = queries.what_if(live, largest, [])
    assert told["difference"].abs().max() == 0
    published = queries.read_forecast(
        live, queries.resolve_selection(live, [f"series:{largest}"]), cutoff, version, queries.read_kpis(live).model
    )
    assert told["baseline"].to_list() == pytest.approx(published["yhat"].to_list())
    assert told["hi-80"].to_list() == pytest.approx(published["hi-80"].to_list())


def test_a_promotion_moves_the_forecast_on_its_days(live, largest):
    days = queries.days_ahead(live, largest)["ds"]
    told = queries.what_if(live, largest, [Edit("promo", "=", 1.0, days[2], days[4])])
    moved = dict(told.select("ds", "difference").iter_rows())
    assert sum(moved[d] for d in days[2:5]) > 0
    assert sum(abs(moved[d]) for d in days[2:5]) > sum(abs(moved[d]) for d in days[9:12])


def test_a_closed_day_sells_nothing(live, largest):
    plan = queries.days_ahead(live, largest)
    day = plan.filter(pl.col("open") == 1)["ds"][0]
    row = queries.what_if(live, largest, [Edit("open", "=", 0.0, day, day)]).row(
        by_predicate=pl.col("ds") == day, named=True
    )
    assert (row["yhat"], row["lo-80"], row["hi-80"]) == (0, 0, 0)
    assert row["baseline"] > 0


def test_an_unknown_series_gets_a_sentence(live):
    with pytest.raises(UserError, match="no forecast of nobody"):
        queries.what_if(live, "nobody", [])


def test_every_page_can_be_drawn(live, largest):
    cutoff, version, _ = queries.list_vintages(live).row(0)
    assert "kpi-accuracy" in str(overview._body(live, "dark"))
    for page in (forecasts, scenario):
        assert page.NAME in str(page.layout(live, {}))
    drawn = forecasts._body(
        live, [f"series:{largest}"], f"{cutoff}@{version}", queries.read_kpis(live).model, "year", None
    )
    assert largest in str(drawn)
    changes = [f"promo=1@{queries.days_ahead(live, largest)['ds'][0]}:{cutoff.replace(year=2030)}"]
    answer = scenario._answer(live, largest, changes)
    assert "s-compare" in str(scenario._result(live, answer, (largest, changes), "light"))
