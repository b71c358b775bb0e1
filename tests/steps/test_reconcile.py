"""MinTrace from backtest to scenario: series that add up to their aggregates, the same whoever asks."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import linalg

from forecasting import models
from forecasting.config import Config
from forecasting.data.aggregates import group_sums
from forecasting.data.buckets import bucket_of
from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import KEY, InMemory, InProcess, Panel
from forecasting.errors import UserError
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.forecast import forecast
from forecasting.steps.forecasting.origin import Origin, actuals, origin_of
from forecasting.steps.forecasting.training import NO_BACKTESTS, train_models
from forecasting.steps.scenario import SeriesFilter, run_scenario
from forecasting.steps.serving.edited import predict_cut
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import OVER, H

TOP = {"naive": {"class": "Naive", "name": "Top", "on": "aggregates"}}
MINTRACE = {"reconcile": {"base": "HistoricAverage", "top": "Top"}}
START, CUTOFF = date(2024, 1, 1), date(2024, 5, 1)
MINE = pl.col("model") == "MinTrace"


def configured(*recipe, **keys) -> Config:
    given = {"name": "chain", "source": {"kind": "table"}, "freq": "1d", "h": 7, "columns": {"static": ["kind"]}}
    given |= {"levels_of_aggregation": [[], ["kind"]], "backtest": {"calibration": 1}}
    return Config.model_validate(given | {"models": ["ladder", *recipe]} | keys)


def sold(jump: float = 3.0) -> pl.DataFrame:
    """Twelve noisy series of two kinds that all sell `jump` times as much from April on."""
    rng, days = np.random.default_rng(1), [START + timedelta(d) for d in range(140)]
    parts = []
    for i in range(12):
        level = np.where(np.array(days) >= date(2024, 4, 1), jump, 1.0) * (5 + i)
        y = level * rng.gamma(20, 1 / 20, len(days))
        parts.append(pl.DataFrame({"unique_id": f"s{i:02}", "ds": days, "y": y, "kind": "ab"[i % 2]}))
    return pl.concat(parts)


def origin_at(config: Config, rows: pl.DataFrame, cutoff: date = CUTOFF) -> Origin:
    """The cut through a panel of these rows in two buckets."""
    whole = rows.with_columns(bucket_of(rows["unique_id"], 2), y_raw=pl.col("y"), flag=pl.lit("observed"))
    groups = group_sums(whole, config, [(), ("kind",)])
    return origin_of(Cut(Panel(config, Bucketed(whole), (0, 1), InMemory(groups)), cutoff, config.h))


class Bucketed(InMemory):
    """The rows of one bucket at a time."""

    def __call__(self, bucket: int) -> pl.LazyFrame:
        return self.rows.lazy().filter(pl.col("bucket") == bucket)


def window(config: Config, rows: pl.DataFrame, cutoff: date) -> pl.LazyFrame:
    """Backtest rows of both models at a cutoff, with the actuals of series and aggregates."""
    at = origin_at(config, rows, cutoff)
    trained = train_models(models.build(config), at, NO_BACKTESTS)
    sold = actuals(at.cut.panel, at.cut.cutoff, at.cut.end)
    kind = sold.join(rows.select("unique_id", "kind").unique(), on="unique_id").select(
        pl.format("kind={}", "kind").alias("unique_id"), "ds", "y"
    )
    sums = [part.group_by(KEY).agg(pl.col("y").sum()) for part in (kind, sold.with_columns(unique_id=pl.lit("total")))]
    return pl.concat(forecast(trained, at), how="diagonal").join(pl.concat([sold, *sums]), on=KEY, how="left").lazy()


@pytest.fixture(scope="module")
def said():
    """Everything that is forecast at CUTOFF, and the variances that a window before it taught."""
    config, rows = configured(TOP, MINTRACE), sold()
    at = origin_at(config, rows)
    trained = train_models(models.build(config), at, window(config, rows, CUTOFF - timedelta(7)))
    return pl.concat(forecast(trained, at), how="diagonal"), trained.fitted["MinTrace"].variances


def test_series_add_up_to_the_rows_of_their_aggregates(said):
    rows, _ = said
    below = rows.filter(MINE, pl.col("grain") == "series")
    assert below.height == 12 * 7
    kind = pl.when(pl.col("unique_id").str.slice(1).cast(pl.Int32) % 2 == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    groups = (pl.lit("total"), pl.format("kind={}", kind))
    added = pl.concat([below.group_by("ds", unique_id=g).agg(pl.col("yhat").sum()) for g in groups])
    above = rows.filter(MINE, pl.col("grain") != "series")
    assert above.height == added.height == 3 * 7
    both = above.join(added, on=KEY)
    assert both["yhat"].to_list() == pytest.approx(both["yhat_right"].to_list())
    assert set(above["source"]) == {"sum of its series"}


def test_they_are_the_formula_of_the_paper_on_what_both_models_said(said):
    """(S'W^-1 S)^-1 S'W^-1 y, dense, with the errors of the window before."""
    rows, variances = said
    day = rows.filter(pl.col("step") == 3)
    base = day.filter(pl.col("model") == "HistoricAverage", pl.col("grain") == "series").sort("unique_id")
    top = day.filter(pl.col("model") == "Top").sort("unique_id")
    assert top["unique_id"].to_list() == ["kind=a", "kind=b", "total"]
    even = np.arange(12) % 2 == 0
    s = np.vstack([even, ~even, np.ones(12), np.eye(12)])
    y = np.concatenate([top["yhat"], base["yhat"]])
    told = {(m, u): v for m, u, v in variances.select("model", "unique_id", "var").iter_rows()}
    assert len(told) == 15
    w = [told[key] for part in (top, base) for key in part.select("model", "unique_id").iter_rows()]
    inverse = np.diag(1 / np.array(w))
    expected = linalg.solve(s.T @ inverse @ s, s.T @ inverse @ y)
    assert (expected > 0).all()
    found = day.filter(MINE, pl.col("grain") == "series").sort("unique_id")
    assert found["yhat"].to_list() == pytest.approx(expected.tolist())


def test_a_better_model_of_the_aggregates_betters_series_and_aggregates(said):
    rows, _ = said
    truth = sold().select(*KEY, "y")
    series = rows.filter(pl.col("grain") == "series").join(truth, on=KEY)
    series = series.with_columns(
        error=(pl.col("yhat") - 3 * (5 + pl.col("unique_id").str.slice(1).cast(pl.Int32))).abs()
    )
    wrong = dict(series.group_by("model").agg(pl.col("error").sum()).iter_rows())
    assert wrong["MinTrace"] < 0.7 * wrong["HistoricAverage"]
    total = rows.filter(pl.col("unique_id") == "total").with_columns(error=(pl.col("yhat") - 3 * 126).abs())
    wrong = dict(total.group_by("model").agg(pl.col("error").sum()).iter_rows())
    assert wrong["MinTrace"] < 0.7 * wrong["HistoricAverage"]


def test_sizes_of_errors_are_those_of_the_reconciled_forecast(said):
    """A forecast above the mean of its series errs by more: the scale is reckoned anew."""
    rows, _ = said
    mine, base = (
        rows.filter(pl.col("model") == m, pl.col("grain") == "series").sort(KEY)
        for m in ("MinTrace", "HistoricAverage")
    )
    assert (mine["yhat"] > base["yhat"]).all()
    assert (mine["scale"] > base["scale"]).all()
    assert mine["source"].unique().to_list() == ["MinTrace"]


def test_nothing_after_the_cutoff_changes_it(said):
    """Neither later sales nor backtest windows that were not over."""
    config, rows = configured(TOP, MINTRACE), sold()
    past = window(config, rows, CUTOFF - timedelta(7))
    spoilt = rows.with_columns(y=pl.when(pl.col("ds") > CUTOFF).then(1e6).otherwise("y"))
    later = past.with_columns(pl.col("cutoff", "ds") + timedelta(5), y=pl.lit(1e6))
    at = origin_at(config, spoilt)
    trained = train_models(models.build(config), at, pl.concat([past, later]))
    again = pl.concat(forecast(trained, at), how="diagonal")
    one, other = (r.filter(MINE).select(*KEY, "grain", "yhat", "scale").sort(*KEY, "grain") for r in (said[0], again))
    assert_frame_equal(one, other)


def test_without_a_window_an_aggregate_errs_as_its_series_together():
    """Weights by the number of series below: WLS with structural scaling."""
    config, rows = configured(TOP, MINTRACE, levels_of_aggregation=[[]]), sold()
    at = origin_at(config, rows)
    trained = train_models(models.build(config), at, NO_BACKTESTS)
    said = pl.concat(forecast(trained, at), how="diagonal").filter(pl.col("step") == 1)
    total = dict(said.filter(pl.col("unique_id") == "total").select("model", "yhat").iter_rows())
    assert total["MinTrace"] == pytest.approx((total["HistoricAverage"] + total["Top"]) / 2)


def test_a_forecast_is_held_against_what_its_series_has_known():
    """A top model that has gone mad: a hundred times the sales end at five times the largest."""
    config, rows = configured(TOP, MINTRACE, clean={"outliers": {"rule": "none"}}), sold()
    mad = rows.with_columns(y=pl.when(pl.col("ds") == CUTOFF).then(pl.col("y") * 100).otherwise("y"))
    at, honest = origin_at(config, rows), origin_at(config, mad)
    trained = train_models(models.build(config), at, NO_BACKTESTS)
    mixed = replace(at, aggregated=honest.aggregated)
    said = pl.concat(forecast(trained, mixed), how="diagonal").filter(MINE, pl.col("grain") == "series")
    most = rows.filter(pl.col("ds") <= CUTOFF).group_by("unique_id").agg(most=5 * pl.col("y").max())
    capped = said.join(most, on="unique_id").filter(pl.col("source") == "MinTrace (capped)")
    assert capped.height == 12 * 7
    assert capped["yhat"].to_list() == pytest.approx(capped["most"].to_list())


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (
            [TOP, {"reconcile": {"base": "Prophet", "top": "Top"}}],
            ["models.2.base: Prophet is no model", "SeasonalMean4"],
        ),
        ([TOP, {"reconcile": {"top": "Top"}}], ["models.2.base: None is no model", "fitted on series"]),
        ([TOP, {"reconcile": {"base": "Top", "top": "Top"}}], ["models.2.base: Top is fitted on aggregates"]),
        ([TOP, {"reconcile": {"base": "Naive", "top": "HistoricAverage"}}], ["HistoricAverage is fitted on series"]),
        ([{"reconcile": {"base": "Naive", "top": {"store": "Top"}}}], ["add one with `on: aggregates`"]),
        ([TOP, {"reconcile": {"base": "Naive", "top": "Top", "how": "ols"}}], ["how is not an option of reconcile"]),
        ([TOP, {"reconcile": {"base": "Naive", "top": "Top", "on": "aggregates"}}], ["models.2.on", "leave `on` out"]),
    ],
)
def test_a_wrong_entry_is_told(recipe, words):
    with pytest.raises(UserError) as told:
        models.build(configured(*recipe))
    assert all(word in str(told.value) for word in words)


def test_it_stands_behind_ensembles_and_is_no_member_of_them():
    """Combinations are made bucket by bucket, where its rows are not there yet."""
    base = {"reconcile": {"base": "Combination", "top": "Top"}}
    built = models.build(configured(base, TOP, {"ensemble": {"name": "Combination", "weights": "learned"}}))
    assert [m.name for m in built[-2:]] == ["Combination", "MinTrace"]
    assert "MinTrace" not in [m.name for m in built[-2].members]


@pytest.fixture(scope="module")
def job():
    """The chain with MinTrace over a combination, run at OVER; then backtested with all that was sold since."""
    pair = {"ensemble": {"name": "Pair", "members": ["SeasonalNaive", "SeasonalMean4"]}}
    windows = {"windows": 1, "step": H, "calibration": 1}
    made = chain.make(models=["ladder", TOP, pair, {"reconcile": {"base": "Pair", "top": "Top"}}], backtest=windows)
    made.run(["ingest"])
    made.run(["backtest", "train", "predict"], OVER)
    made.run(["backtest"])
    return made


@pytest.fixture(scope="module")
def bundle(job) -> Bundle:
    config = job.config()
    return replace(bundles.fetch(open_session(config).registry, 1), champion="MinTrace")


def test_a_backtest_says_what_the_nightly_vintage_says(job):
    then, night = (job.table(name, cutoff=OVER).filter(MINE) for name in ("backtests", "forecasts"))
    reported = then.filter(pl.col("grain") == "series")
    assert reported.height == 8 * H
    both = reported.join(night, on=[*KEY, "grain"], suffix=":night")
    assert both.height == reported.height
    for column in ("yhat", "scale"):
        assert both[column].to_list() == pytest.approx(both[f"{column}:night"].to_list(), rel=1e-9)


def test_it_is_scored_and_bounded_like_any_other(job):
    rows = job.table("forecasts", cutoff=OVER).filter(MINE)
    assert dict(rows.group_by("grain").len().iter_rows()) == {"series": 8 * H, "store": 2 * H, "total": H}
    assert rows.select(pl.col("yhat", *chain.BOUNDS).null_count()).row(0) == (0,) * 5
    assert set(rows.filter(pl.col("grain") == "series")["interval"]) <= {"horizon block", "all horizons"}
    assert rows.filter("closed", pl.col("grain") == "series").select(pl.col("yhat", "hi-95").max()).row(0) == (0.0, 0.0)
    assert job.table("scores").filter(MINE)["metric"].n_unique() > 5


def test_where_it_serves_its_two_models_are_kept_and_what_these_stand_on(bundle):
    served = bundle.trained.only("MinTrace")
    assert list(served.fitted) == ["SeasonalNaive", "SeasonalMean4", "Pair", "Top", "MinTrace"]
    assert served.on["Top"] == "aggregates"
    assert list(bundle.trained.only("Pair").fitted) == ["SeasonalNaive", "SeasonalMean4", "Pair"]


def test_a_scenario_without_a_change_is_the_published_forecast_of_the_chosen_series(job, bundle, monkeypatch):
    """Also of a few: the aggregates need all series."""
    monkeypatch.setattr(bundles, "fetch", lambda registry, version: bundle)
    planned = run_scenario(
        open_session(job.config()),
        [Edit("price", "*=", 1, OVER + timedelta(1), OVER + timedelta(3))],
        SeriesFilter("store = 'S1'"),
    ).rows
    published = job.table("forecasts", cutoff=OVER).filter(MINE, pl.col("grain") == "series")
    both = planned.join(published, on=KEY, suffix=":published")
    assert both.height == planned.height == 4 * H
    for column in ("baseline", "yhat"):
        assert both[column].to_list() == pytest.approx(both["yhat:published"].to_list())
    assert both["hi-80"].to_list() == pytest.approx(both["hi-80:published"].to_list())


def test_a_new_series_of_a_scenario_is_like_a_reconciled_one(job, bundle, monkeypatch):
    """It stands beside the reconciled forecasts, which stay."""
    monkeypatch.setattr(bundles, "fetch", lambda registry, version: bundle)
    listed = Edit("new", "=", "S1/I99 like S1/I01", OVER + timedelta(1), OVER + timedelta(H))
    rows = run_scenario(open_session(job.config()), [listed], SeriesFilter("store = 'S1'")).rows
    mine, like = (rows.filter(unique_id=name)["yhat"].to_list() for name in ("S1/I99", "S1/I01"))
    assert mine == pytest.approx(like), "no launches are known"
    assert rows.filter(pl.col("unique_id") != "S1/I99")["difference"].abs().max() == 0


def test_an_edit_of_one_series_leaves_the_plans_of_the_others(job, bundle):
    """Closing one series for a day takes from the others what its aggregates have to miss, and no plan of theirs."""
    config = job.config()
    whole = open_session(config).panel
    rows = whole.scan(0).filter(pl.col("unique_id") == "S1/I01").collect()
    alone = replace(whole, scan=InMemory(rows), buckets=(0,), engine=InProcess(), part_of=whole)
    day = (
        job.table("forecasts", cutoff=OVER).filter(MINE, ~pl.col("closed"), pl.col("unique_id") == "S1/I01")["ds"].min()
    )
    shut = predict_cut(bundle, Cut(alone, OVER, H, (Edit("open", "=", 0.0, day, day),)))
    assert shut["unique_id"].unique().to_list() == ["S1/I01"]
    assert dict(shut.select("ds", "closed").iter_rows())[day]
    assert dict(shut.select("ds", "yhat").iter_rows())[day] == 0.0
