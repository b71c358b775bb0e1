"""A vintage: h coming days of every series and aggregate, visible when complete."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.errors import UserError
from forecasting.services.store.vintages import published_vintages, scan_published
from forecasting.steps import session
from tests import chain
from tests.chain import LAST, OVER, H


@pytest.fixture(scope="module")
def rows(ran) -> pl.DataFrame:
    return ran[0].table("forecasts")


def test_the_first_day_is_the_one_after_the_last_observation(ran, rows):
    facts = ran[1]["predict"].facts
    assert (facts["cutoff"], facts["first"], facts["last"]) == (
        str(LAST),
        str(LAST + timedelta(1)),
        str(LAST + timedelta(H)),
    )
    assert (facts["series"], facts["ended"], facts["rows"]) == (8, 0, rows.height)
    counts = rows.group_by("grain", "model").len().rows()
    learned = ["LightGBM", "Regression", "Ensemble", "Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage"]
    sizes = {"series": 8, "store": 2, "total": 1}
    expected = {(grain, model, n * H) for grain, n in sizes.items() for model in learned}
    assert set(counts) == expected | {("store", "Sums", 2 * H), ("total", "Sums", H)}


def test_means_add_up_over_series_but_bounds_do_not(rows):
    below = rows.filter(pl.col("grain") == "series").group_by("ds", "model").agg(pl.col("yhat", "hi-80").sum())
    both = rows.filter(pl.col("unique_id") == "total").join(below, on=["ds", "model"])
    assert ((both["yhat"] - both["yhat_right"]).abs() < 1e-9).all()
    learned = both.filter(pl.col("model") == "LightGBM")
    assert (learned["hi-80"] < learned["hi-80_right"]).all(), "errors of series cancel in a total"


def test_a_planned_closed_day_is_zero_without_width(rows):
    closed = chain.sample().filter(pl.col("ds") > LAST, pl.col("open") == 0)
    keys = closed.select("ds", unique_id=pl.concat_str("store", "item", separator="/"))
    said = rows.join(keys, on=["ds", "unique_id"])
    assert said.height == keys.height * 7 > 0
    assert said.select("yhat", "q50", *chain.BOUNDS).max().row(0) == (0.0,) * 6
    open_days = rows.filter(pl.col("grain") == "series", pl.col("model") == "LightGBM").join(
        keys, on=["ds", "unique_id"], how="anti"
    )
    assert (open_days["hi-80"] > open_days["lo-80"]).all()


def test_the_vintage_names_its_champion_and_makes_the_rows_visible(ran, rows):
    job, told = ran
    store = session.open_session(job.config()).store
    vintage = published_vintages(store).row(0, named=True)
    assert published_vintages(store).height == 1
    assert (vintage["cutoff"], vintage["version"], vintage["rows"]) == (LAST, 1, rows.height)
    assert vintage["champion"] == told["train"].facts["champion"]
    assert_frame_equal(scan_published(store, "forecasts").collect(), rows, check_row_order=False)


def test_a_champion_answers_on_later_days_without_being_trained_again():
    """Train weekly, predict daily: what was trained seven days before answers today, from today's sales."""
    job, trained = chain.make(models=["ladder", chain.LIGHT]), LAST - timedelta(7)
    job.run(["ingest"])
    job.run(["backtest", "train"], trained)
    told = job.run(["predict"])[0].facts
    assert (told["cutoff"], told["version"], told["first"]) == (str(LAST), 1, str(LAST + timedelta(1)))
    job.run(["predict"], trained)
    new, old = (job.table("forecasts", cutoff=at).filter(pl.col("model") == "LightGBM") for at in (LAST, trained))
    both = new.join(old, on=["unique_id", "ds", "grain"]).filter(pl.col("grain") == "series", ~pl.col("closed"))
    assert both.height > 40
    assert (both["yhat"] != both["yhat_right"]).all()


def test_before_the_first_training_nobody_can_answer(ran):
    with pytest.raises(UserError, match=f"no model was trained by {OVER}; the step train has to run first"):
        ran[0].run(["predict"], OVER)
