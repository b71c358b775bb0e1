"""Explanations of published forecasts, and bridges between vintages, on a chain whose true effects are known."""

from datetime import timedelta

import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.planning.explain import CHANGES, COMPONENTS
from forecasting.steps.explaining import explain, explain_change
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import LAST, OVER, H, Job


@pytest.fixture(scope="module")
def job() -> Job:
    return chain.ran()[0]


def test_contributions_add_up_to_the_published_forecasts(job):
    session = open_session(job.config())
    found = explain(session)
    champion = session.vintages["champion"][0]
    published = job.table("forecasts").filter(model=champion, grain="series")
    both = found.rows.join(published, on=["unique_id", "ds"], suffix=":published")
    assert both.height == found.rows.height == published.height
    assert (both["yhat"] - both["yhat:published"]).abs().max() == 0
    assert (both["yhat"] - both.select(pl.sum_horizontal(COMPONENTS)).to_series()).abs().max() < 1e-6
    assert not found.warnings


def test_days_are_chosen_within_the_horizon(job):
    session, day = open_session(job.config()), LAST + timedelta(3)
    assert explain(session, days=(day, day)).rows["ds"].unique().to_list() == [day]
    with pytest.raises(UserError, match="the forecast covers"):
        explain(session, days=(LAST, LAST))
    with pytest.raises(UserError, match="no series meets"):
        explain(session, SeriesFilter("store = 'S9'"))


@pytest.fixture(scope="module")
def nights() -> Job:
    """Two nights: the data up to OVER, and a week later with a higher price on one coming day of S1, and a promotion on
    another.
    """
    rows = chain.sample()
    cutoff, later = OVER, OVER + timedelta(7)

    def as_of(day):
        sold = pl.when(pl.col("ds") <= day).then("y")
        return rows.filter(pl.col("ds") <= day + timedelta(H)).with_columns(y=sold)

    made = chain.make(
        as_of(cutoff), models=["ladder", chain.LIGHT], backtest={"windows": 1, "step": H, "calibration": 1}
    )
    made.run()
    dear, promoted = (pl.col("store").eq("S1") & pl.col("ds").eq(later + timedelta(n)) for n in (2, 4))
    price = pl.when(dear).then(pl.col("price") * 3).otherwise("price")
    promo = pl.when(promoted).then(1).otherwise("promo").cast(pl.Int8)
    as_of(later).with_columns(price=price, promo=promo).write_parquet(made.folder / "sales.parquet")
    made.run(["ingest", "predict"])
    return made


def test_a_bridge_leads_from_one_vintage_to_the_next(nights):
    session = open_session(nights.config())
    assert session.vintages.height == 2
    found = explain_change(session)
    steps = found.rows.select(pl.sum_horizontal(list(CHANGES))).to_series()
    assert (found.rows["before"] + steps - found.rows["after"]).abs().max() < 1e-6
    assert found.rows["model"].abs().max() == 0, "the same version forecast both"
    assert found.rows["published"].abs().max() < 1e-9
    assert found.rows["data"].abs().max() > 0
    moved = found.rows.filter(pl.col("known ahead") != 0)
    assert set(moved["unique_id"].str.slice(0, 2)) == {"S1"}, "plans of the other store are as they were"
    assert moved.filter(pl.col("ds") == OVER + timedelta(9))["known ahead"].sum() < 0


def test_a_promotion_and_a_price_are_components_on_their_days_alone(nights):
    rows = explain(open_session(nights.config()), SeriesFilter("store = 'S1'")).rows
    promoted, dear = (pl.col("ds") == OVER + timedelta(7 + n) for n in (4, 2))
    planned = chain.sample().filter(promo=1).select("ds", unique_id=pl.concat_str("store", "item", separator="/"))
    assert rows.filter(promoted)["promotion"].sum() > 0
    others = rows.filter(~promoted).join(planned, on=["unique_id", "ds"], how="anti")
    assert others["promotion"].abs().max() == 0
    assert rows.filter(dear)["price"].sum() < rows.filter(~dear)["price"].min()
    assert rows.filter(dear)["model_price"].sum() < 0


def test_price_and_promotion_are_those_with_which_scenarios_answer(nights):
    """By the effects of the table `levers`: the units of the promotion over the logarithmic mean are its estimate."""
    session = open_session(nights.config())
    levers = session.store.scan("levers").filter(pl.col("grain") == "series", pl.col("lever") == "promo").collect()
    rows = explain(session, SeriesFilter("store = 'S1'")).rows.filter(pl.col("ds") == OVER + timedelta(11))
    both = rows.join(levers, on="unique_id").filter(pl.col("promotion") != 0)
    assert both.height
    named = pl.sum_horizontal("level", "trend", "season", "holiday", "price", "promotion", "other")
    mean = (named - pl.col("level")) / (named / pl.col("level")).log()
    uplift = both.select((pl.col("promotion") / mean).alias("log"), "estimate")
    assert (uplift["log"] - uplift["estimate"]).abs().max() < 1e-6
