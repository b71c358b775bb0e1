"""Windows, rows and scores of a backtest, and that it is not done twice."""

import math
from collections import defaultdict
from datetime import date, timedelta
from statistics import fmean

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.errors import UserError
from forecasting.steps import run_log, run_step
from forecasting.steps.export import read_table
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import KEY, LAST, OVER, H, versions

LADDER = {"Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage"}
REPORTED = [LAST - timedelta(2 * H), OVER]
OLDER = [LAST - timedelta(4 * H), LAST - timedelta(3 * H)]


@pytest.fixture(scope="module")
def rows(ran) -> pl.DataFrame:
    return ran[0].table("backtests")


def test_the_windows_are_those_of_the_config(ran, rows):
    assert [date.fromisoformat(c) for c in ran[1]["backtest"].facts["cutoffs"]] == REPORTED
    assert sorted(rows.filter("reported")["cutoff"].unique()) == REPORTED
    assert sorted(rows.filter(~pl.col("reported"))["cutoff"].unique()) == OLDER


@pytest.mark.parametrize("cutoff", [OLDER[1], REPORTED[1]])
def test_every_window_of_listed_models_is_forecast_by_boosters_that_were_trained_for_it(ran, rows, cutoff):
    config = ran[0].config()
    panel = open_session(config).panel
    (model,) = [model for model in models.build(config) if model.name == "LightGBM"]
    fitted = model.fit(Cut(panel, cutoff, H))
    parts = [
        fitted.predict(Cut(panel, cutoff, H), bucket).select("unique_id", "ds", "yhat") for bucket in panel.buckets
    ]
    written = rows.filter(pl.col("grain") == "series", model="LightGBM", cutoff=cutoff)
    assert_frame_equal(
        pl.concat(parts).sort("unique_id", "ds"),
        written.select("unique_id", "ds", "yhat").sort("unique_id", "ds"),
        check_exact=True,
    )


def test_every_series_has_every_day_of_every_window_from_every_model(rows):
    series = rows.filter(pl.col("grain") == "series")
    assert set(series["model"]) == LADDER | {"LightGBM", "Regression", "Ensemble"}
    assert series.height == 8 * H * 4 * 7
    assert (
        series.select(pl.col("ds") - pl.col("cutoff")).to_series().dt.total_days().equals(series["step"].cast(pl.Int64))
    )
    assert set(series.select("step", "block").unique().rows()) == {
        (s, 1 if s == 1 else 7 if s <= 7 else 14) for s in range(1, H + 1)
    }


def test_the_truth_is_what_was_observed(ran, rows):
    observed = ran[0].table("panel").drop_nulls("y")
    truth = {(u, d): y for u, d, y in observed.select("unique_id", "ds", "y").iter_rows()}
    series = rows.filter(pl.col("grain") == "series")
    assert series["y"].to_list() == [truth.get(key) for key in series.select("unique_id", "ds").iter_rows()]


def test_aggregates_sum_forecast_and_truth_over_the_same_observed_series(rows):
    series = rows.filter(pl.col("grain") == "series", pl.col("y").is_not_null())
    sums = defaultdict(lambda: [0.0, 0.0])
    for u, ds, cutoff, model, y, yhat in series.select("unique_id", "ds", "cutoff", "model", "y", "yhat").iter_rows():
        for group in ("total", f"store={u.split('/')[0]}"):
            sums[group, ds, cutoff, model][0] += y
            sums[group, ds, cutoff, model][1] += yhat
    above = rows.filter(pl.col("grain") != "series", pl.col("source") == "sum of its series")
    assert above.height == len(sums)
    for *key, y, yhat in above.select("unique_id", "ds", "cutoff", "model", "y", "yhat").iter_rows():
        assert [y, yhat] == pytest.approx(sums[tuple(key)])
    assert set(above["bucket"]) == {-1}


def test_closed_days_are_zero_without_width_and_bounds_are_in_order(rows):
    closed = rows.filter("closed")
    assert closed.filter(pl.col("grain") == "series").height > 0
    assert closed.select("yhat", "q50", *chain.BOUNDS).max().row(0) == (0.0,) * 6
    for low, high in (("lo-95", "lo-80"), ("lo-80", "q50"), ("q50", "hi-80"), ("hi-80", "hi-95")):
        assert (rows[low] <= rows[high]).all(), (low, high)
    assert rows["lo-95"].min() >= 0


def test_seasonal_naive_says_the_last_observed_sale_of_the_same_weekday(ran, rows):
    observed = ran[0].table("panel").drop_nulls("y")
    said = rows.filter(pl.col("model") == "SeasonalNaive", pl.col("grain") == "series", ~pl.col("closed"))
    sold = {(u, d): y for u, d, y in observed.select("unique_id", "ds", "y").iter_rows()}
    for u, ds, cutoff, yhat in said.select("unique_id", "ds", "cutoff", "yhat").iter_rows():
        back = ds
        while back > cutoff or (u, back) not in sold:
            back -= timedelta(7)
        assert yhat == sold[u, back]


def test_the_scores_are_those_of_the_reported_rows(ran, rows):
    """WAPE on the median and bias on the mean, by a loop over the rows."""
    told = {(s["model"], s["grain"]): s for s in ran[1]["backtest"].facts["scores"]}
    assert {model for model, grain in told if grain == "series"} == set(
        rows.filter(pl.col("grain") == "series")["model"]
    )
    for (model, grain), score in told.items():
        mine = rows.filter("reported", pl.col("model") == model, pl.col("grain") == grain, pl.col("y").is_not_null())
        y, yhat, q50 = (mine[c].to_list() for c in ("y", "yhat", "q50"))
        assert score["wape"] == pytest.approx(sum(abs(a - b) for a, b in zip(y, q50, strict=True)) / sum(y))
        assert score["bias"] == pytest.approx((sum(yhat) - sum(y)) / sum(y))
        inside = [lo <= a <= hi for a, lo, hi in mine.select("y", "lo-80", "hi-80").iter_rows()]
        assert score["coverage-80"] == pytest.approx(fmean(inside))
    best = min(told[model, "series"]["wape"] for model in LADDER)
    assert told["LightGBM", "series"]["skill"] == pytest.approx(1 - told["LightGBM", "series"]["wape"] / best)


def test_bounds_of_a_window_stand_on_the_windows_that_were_over_by_then(rows):
    """Pooled bounds of SeasonalNaive at OVER are the |residual| quantile of the two windows before, by the formula.

    Its level is 80 % and three tenths of what the bounds made from either of them fell short of that in the other. What
    the windows have in common widens them, here by next to nothing.
    """
    at = rows.filter(pl.col("cutoff") == OVER, pl.col("model") == "SeasonalNaive", pl.col("grain") == "series")
    past = rows.filter(
        pl.col("cutoff").is_in([OVER - timedelta(H), OVER - timedelta(2 * H)]),
        pl.col("model") == "SeasonalNaive",
        pl.col("grain") == "series",
        pl.col("y").is_not_null(),
        ~pl.col("closed"),
    )
    residuals = sorted(abs(y - yhat) / scale for y, yhat, scale in past.select("y", "yhat", "scale").iter_rows())
    level = 0.8
    windows = past.partition_by("cutoff")
    for window, other in (windows, windows[::-1]):
        r = sorted(abs(y - yhat) / scale for y, yhat, scale in other.select("y", "yhat", "scale").iter_rows())
        far = r[math.ceil(round((len(r) + 1) * 0.8, 9)) - 1]
        inside = [abs(y - yhat) <= far * scale for y, yhat, scale in window.select("y", "yhat", "scale").iter_rows()]
        level += 0.3 * (0.8 - fmean(inside)) if len(inside) >= 100 else 0
    k = math.ceil(round((len(residuals) + 1) * level, 9))
    pooled = at.filter(pl.col("interval") == "all horizons", ~pl.col("closed"))
    assert pooled.height > 0
    for yhat, scale, hi in pooled.select("yhat", "scale", "hi-80").iter_rows():
        assert hi == pytest.approx(yhat + residuals[k - 1] * scale, rel=1e-4)


def test_the_same_again_is_not_done_again_and_force_comes_to_the_same(fast):
    job = fast()
    before, rows, scores = versions(job), job.table("backtests"), job.table("scores")
    again = job.run(["backtest"])[0]
    assert again.reused
    assert versions(job) == before
    forced = run_step("backtest", job.config(), force=True)
    assert not forced.reused
    assert versions(job) == before, "equal content is no new version"
    assert_frame_equal(job.table("backtests").sort("cutoff", *KEY, "grain"), rows.sort("cutoff", *KEY, "grain"))
    key = ["model", "cutoff", "grain", "segment", "horizon", "metric"]
    assert_frame_equal(job.table("scores").sort(key), scores.sort(key))


def test_a_history_that_is_too_short_names_the_key_and_the_way_out():
    rows = chain.sample().filter(pl.col("ds") <= chain.START + timedelta(40))
    job = chain.make(rows, models=["ladder"])
    job.run(["ingest"])
    with pytest.raises(UserError, match=r"job\.yaml, line \d+: h: 14 days ahead in 2 backtest windows.*2023-01-01"):
        job.run(["backtest"])


def test_without_data_the_way_is_told():
    with pytest.raises(UserError, match="chain: no data are loaded yet; the step ingest has to run first"):
        chain.make().run(["backtest"])


def test_all_older_windows_are_run_however_many_errors_one_holds():
    few = chain.sample().filter(pl.col("ds") > LAST - timedelta(120))
    many = pl.concat(few.with_columns(item=pl.format("{}-{}", "item", pl.lit(k))) for k in range(20))
    facts = chain.make(many, models=["ladder"]).run(["ingest", "backtest"])[1].facts
    assert facts["calibration"] == [str(at) for at in OLDER]
    assert facts["cutoffs"] == [str(at) for at in REPORTED]


def test_older_windows_have_half_of_the_history_of_the_first_reported_one():
    """Of 70 days 42 lie before it: 28 are enough, 14 are not."""
    short = chain.sample().filter(pl.col("ds") > LAST - timedelta(70))
    facts = chain.make(short, models=["ladder"]).run(["ingest", "backtest"])[1].facts
    assert facts["calibration"] == [str(OLDER[-1])]


def test_windows_of_a_backtest_that_was_killed_are_not_seen(fast, monkeypatch):
    """Neither those of a new recipe, nor what it has changed in the windows of the recorded one."""
    job = fast()
    seen = [read_table(open_session(job.config()), name) for name in ("backtests", "scores")]
    with monkeypatch.context() as patch:
        patch.setattr(run_log, "scored_tables", _killed)
        with pytest.raises(KeyboardInterrupt):
            job.run(["backtest"], models=["ladder"])
    store = open_session(job.config()).store
    assert store.scan("backtests").select("recipe").unique().collect().height == 2, "windows were written"
    store.merge("backtests", seen[0].head(50).with_columns(yhat=-1.0))
    for name, before in zip(("backtests", "scores"), seen, strict=True):
        assert_frame_equal(read_table(open_session(job.config()), name), before)
    job.run(["backtest"], models=["ladder"])
    assert read_table(open_session(job.config()), "backtests")["recipe"].n_unique() == 2


def _killed(_store):
    raise KeyboardInterrupt
