"""Nothing that was not known on a day reaches what is said for that day: spoil it, delete it, nothing may change."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.data.cut import Cut
from forecasting.features import Features
from forecasting.features.base import Lead
from forecasting.steps.queries.sums import sums
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import KEY, LAST, OVER, H, Job

pytestmark = pytest.mark.slow

OLDER = LAST - timedelta(2 * H)
"""The older of the two reported windows: its own days and those of the newer one lie in the future."""


def open_sold(y: pl.Expr) -> pl.Expr:
    return pl.when((pl.col("open") == 1) & y.is_not_null()).then(1e6).otherwise(y)


@pytest.fixture(scope="module")
def honest() -> Job:
    return chain.ran()[0]


@pytest.fixture(scope="module")
def spoilt() -> Job:
    """The chain whose sales after OLDER are a million and whose stock is a nonsense, backtested."""
    nonsense = {"y": open_sold, "stock": lambda s: pl.when(s > 0).then(777.0).otherwise(s)}
    job = chain.make(chain.spoilt(chain.sample(), OLDER, **nonsense))
    job.run(["ingest", "backtest"])
    return job


@pytest.fixture(scope="module")
def cut_off() -> Job:
    """The chain as its file looked on OVER: later sales and stocks are not there, plans are; run to the forecasts."""
    job = chain.make(chain.spoilt(chain.sample(), OVER, y=lambda y: pl.lit(None), stock=lambda s: pl.lit(None)))
    job.run()
    return job


def test_no_forecast_quantile_or_bound_of_an_earlier_day_moves_with_later_sales(honest, spoilt):
    """All windows up to OLDER, calibration included; series, aggregates and the models fitted on them."""
    told = [job.table("backtests").filter(pl.col("cutoff") <= OLDER).drop("y", "recipe") for job in (honest, spoilt)]
    one, other = (t.sort("cutoff", *KEY, "grain") for t in told)
    assert one["cutoff"].n_unique() == 3
    assert_frame_equal(one, other)


def test_spoilt_sales_were_there_to_be_seen(honest, spoilt):
    """The same comparison one window later must fail, or the test above says nothing."""
    one, other = (job.table("backtests", cutoff=OVER).sort(*KEY, "grain") for job in (honest, spoilt))
    assert (one["yhat"] - other["yhat"]).abs().min() < 1e-6  # closed days
    for model in one["model"].unique():
        mine = [frame.filter(pl.col("model") == model)["yhat"].max() for frame in (one, other)]
        assert mine[1] > 50 * mine[0], model


def test_the_night_of_a_file_without_later_sales_says_what_a_later_look_back_says(honest, cut_off):
    """Rows and columns that came after the day, the priors of groups included, are not there: nothing changes."""
    seen, unseen = chain.night().table("forecasts", cutoff=OVER), cut_off.table("forecasts", cutoff=OVER)
    chain.assert_alike(seen, unseen)
    assert cut_off.table("groups")["ds"].max() == OVER < honest.table("groups")["ds"].max()


def test_sums_of_that_night_stand_on_windows_that_were_over(cut_off):
    """Newer windows lie in its store; nothing is drawn from them."""
    seen, unseen = (sums(open_session(job.config()), (7, H), OVER).drop("version") for job in (chain.night(), cut_off))
    assert_frame_equal(seen, unseen)


def test_the_champion_of_a_day_is_chosen_by_what_was_known(cut_off):
    champions = [job.table("vintages", cutoff=OVER)["champion"].item() for job in (chain.night(), cut_off)]
    assert champions[0] == champions[1]


def cut_at(job: Job) -> Cut:
    config = job.config()
    return Cut(open_session(config).panel, OLDER, H)


def test_a_cut_holds_neither_sales_nor_what_is_known_afterwards(honest):
    later = cut_at(honest).frame(0).filter(pl.col("ds") > OLDER)
    assert later.height == 8 * H
    hidden = [
        c for c in later.columns if c not in ("unique_id", "ds", "price", "promo", "open", "category", "store", "item")
    ]
    assert set(hidden) == {"y", "y_raw", "flag", "stock"}
    assert later.select(hidden).null_count().row(0) == (8 * H,) * 4
    assert later.select("price", "promo", "open").null_count().row(0) == (0,) * 3


@pytest.mark.parametrize("lead", [1, 7, 14])
def test_no_feature_of_the_coming_days_moves(honest, spoilt, lead):
    made = []
    for cut in map(cut_at, (honest, spoilt)):
        frame = cut.frame(0)
        features = Features(cut.config, dict(frame.schema), ((), ("store",), ("category",)))
        made.append(
            features.prepare(frame, cut.group_data, lead).select(
                "unique_id", "ds", *(e.alias(f"f{i}") for i, e in enumerate(features.exprs(Lead.of(lead))))
            )
        )
    assert_frame_equal(*made)


def test_plans_are_known_ahead_and_move_the_forecast(honest):
    """The counterpart: a plan of the coming days is no leak, it must be read."""
    rows = chain.sample().with_columns(promo=pl.when(pl.col("ds") > OVER).then(1 - pl.col("promo")).otherwise("promo"))
    job = chain.make(rows, models=["ladder", chain.LIGHT], backtest={"windows": 1, "step": H, "calibration": 0})
    job.run(["ingest", "backtest"])
    one, other = (
        j.table("backtests", cutoff=OVER).filter(pl.col("model") == "LightGBM").sort(KEY) for j in (honest, job)
    )
    moved = (one["yhat"] - other["yhat"]).abs() > 1e-6
    assert moved.filter(one["closed"]).any() is False
    assert moved.filter(~one["closed"] & (one["grain"] == "series")).mean() > 0.9


REACH = 5
"""Days ahead for which prices and promotions are planned in the jobs below."""


def planned_for_some_days(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without a price and a promotion on the coming days beyond REACH."""
    seen = pl.col("ds") <= LAST + timedelta(REACH)
    return rows.with_columns(pl.when(seen).then(c).alias(c) for c in ("price", "promo"))


@pytest.fixture(scope="module")
def short_plans() -> list[Job]:
    """Two jobs with plans for REACH days: as it was, and with nonsense on the days that OLDER did not know of."""
    keys = {"future": {"promo": 0, "open": "same_weekday"}, "models": ["ladder", chain.LIGHT, chain.REGRESSION]}
    keys["backtest"] = {"windows": 2, "step": H, "calibration": 1}
    rows = chain.sample()
    nonsense = {c: (lambda value: value * 0 + 50.0) for c in ("price", "promo")}
    jobs = [
        chain.make(planned_for_some_days(table), **keys)
        for table in (rows, chain.spoilt(rows, OLDER + timedelta(REACH), **nonsense))
    ]
    for job in jobs:
        job.run(["ingest", "backtest"])
    return jobs


def test_prices_beyond_what_was_planned_on_a_day_move_nothing_that_is_said_for_it(short_plans):
    """All windows up to OLDER saw the plans of REACH days; the rule of `future` continues one of the columns."""
    told = [job.table("backtests").filter(pl.col("cutoff") <= OLDER).drop("recipe", "y") for job in short_plans]
    one, other = (t.sort("cutoff", *KEY, "grain") for t in told)
    assert one["cutoff"].n_unique() == 2
    assert_frame_equal(one, other)


def test_spoilt_prices_were_there_to_be_seen(short_plans):
    """The newer window, to which they are past or planned, must move, or the test above says nothing."""
    one, other = (
        job.table("backtests", cutoff=OVER).filter(pl.col("model") == "LightGBM", ~pl.col("closed")).sort(*KEY, "grain")
        for job in short_plans
    )
    assert ((one["yhat"] - other["yhat"]).abs() > 1e-6).mean() > 0.5
