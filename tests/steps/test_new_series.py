"""Real series whose past was taken away, from the file to the published forecast: labelled, bounded, summed up."""

from datetime import date, timedelta
from types import SimpleNamespace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import load
from forecasting.data import launch_curves
from forecasting.planning.scenario import parse_changes
from forecasting.services.store.vintages import published_vintages
from forecasting.steps import run_step
from forecasting.steps.queries.sums import sums
from forecasting.steps.scenario import SeriesFilter, run_scenario
from forecasting.steps.session import open_session
from tests import chain

pytestmark = pytest.mark.slow

NEWEST, H = date(1992, 8, 6), 8
HIDDEN = pl.col("unique_id").hash(seed=5) % 6 == 0
MODELS = [
    "ladder",
    {"lightgbm": {"trees": 30}},
    {"ensemble": {"members": ["SeasonalNaive", "LightGBM"], "name": "Both"}},
    {"naive": {"class": "Naive", "name": "Top", "on": "aggregates"}},
    {"reconcile": {"base": "LightGBM", "top": "Top"}},
]
SINGLE = ("Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage", "LightGBM", "Both", "MinTrace")


@pytest.fixture(scope="module")
def juice(configs, shared) -> SimpleNamespace:
    """A vintage over 913 series of juice by brand and store, every sixth of which is announced on NEWEST."""
    home = chain.place()
    rows = pl.read_parquet(shared / "dominicks_oj" / "sales_weekly.parquet").with_columns(pl.col("ds").cast(pl.Date))
    known = rows.filter(pl.col("ds") <= NEWEST + timedelta(7 * H), ~HIDDEN | (pl.col("ds") > NEWEST))
    (home / "juice").mkdir()
    planned = known.with_columns(y=pl.when(pl.col("ds") <= NEWEST).then("y"))
    planned.write_parquet(home / "juice" / "sales_weekly.parquet")
    places = {"source.path": str(home / "juice"), "store.root": str(home / "lake"), "models": MODELS, "h": H}
    places |= {"tracking.uri": f"sqlite:///{home}/mlflow.db", "tracking.artifacts": str(home / "mlartifacts")}
    config = load(configs / "dominicks_oj.yaml", places | {"backtest": {"windows": 1, "calibration": 1}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            launch_curves, "MIN_LAUNCHES", 10**6
        )  # those that have sold all along do not begin as launches do
        for step in ("ingest", "backtest", "train", "predict"):
            run_step(step, config)
        days = (NEWEST + timedelta(7), NEWEST + timedelta(7 * H))
        edits = parse_changes(["price_per_oz*=1"], days)
        scenario = run_scenario(open_session(config), edits, SeriesFilter("store = '47'")).rows
    said = open_session(config).store.scan("forecasts").collect()
    sold = rows.filter(HIDDEN, pl.col("ds") > NEWEST).select("unique_id", "ds", sold="y")
    return SimpleNamespace(config=config, scenario=scenario, said=said, new=said.join(sold, on=["unique_id", "ds"]))


def test_every_model_labels_them(juice):
    assert juice.new["unique_id"].n_unique() > 120
    assert set(juice.new["model"]) == set(SINGLE)
    assert juice.new["cold_start"].all()
    assert juice.new["source"].str.starts_with("similar series (").all()
    assert juice.new["interval"].unique().to_list() == ["cold start"]
    others = juice.said.join(juice.new, on="unique_id", how="anti")
    assert not others["cold_start"].any()
    assert "cold start" not in set(others["interval"])


@pytest.mark.parametrize("model", SINGLE)
def test_their_bounds_hold_what_they_promise(juice, model):
    """Two standard errors with series as clusters are six points and three."""
    mine = juice.new.filter(model=model)
    held = {n: mine["sold"].is_between(mine[f"lo-{n}"], mine[f"hi-{n}"]).mean() for n in (80, 95)}
    assert held[80] == pytest.approx(0.80, abs=0.08)
    assert held[95] == pytest.approx(0.95, abs=0.04)
    assert mine.select((pl.col("lo-95") <= pl.col("lo-80")) & (pl.col("lo-80") <= pl.col("q50"))).to_series().all()


def test_a_scenario_says_of_them_what_was_published(juice):
    """Asked for with the series of one store alone, and told by all the others."""
    champion = published_vintages(open_session(juice.config).store)["champion"][0]
    published = juice.said.filter(model=champion, interval="cold start")
    both = juice.scenario.join(published, on=["unique_id", "ds"], suffix=":published")
    assert both["unique_id"].n_unique() > 0
    for column in ("yhat", "lo-80", "hi-95"):
        assert both[column].to_list() == pytest.approx(both[f"{column}:published"].to_list())


def test_reconciliation_leaves_them_alone(juice):
    """What aggregates have sold does not tell what comes on top; the others are made to agree with it."""
    base, moved = (juice.said.filter(model=m, grain="series").sort("unique_id", "ds") for m in ("LightGBM", "MinTrace"))
    new = base["cold_start"]
    columns = ["unique_id", "ds", "yhat", "source", "q50", "lo-80", "hi-95"]
    assert_frame_equal(base.filter(new).select(columns), moved.filter(new).select(columns))
    assert ((base["yhat"] - moved["yhat"]).abs() > 1).filter(~new).mean() > 0.9


def test_bounds_of_their_sums_are_the_sums_of_their_bounds(juice):
    """A series that is larger than was thought is so in every week: half as uncertain over eight weeks it is not."""
    told = sums(open_session(juice.config), (2, H))
    model = told["model"][0]
    mine = juice.said.filter(pl.col("interval") == "cold start").select("unique_id").unique()
    for periods in (2, H):
        rows = juice.said.filter(pl.col("model") == model, pl.col("step") <= periods).join(mine, on="unique_id")
        added = rows.group_by("unique_id").agg(pl.col("yhat", "q50", "lo-80", "hi-95").sum())
        both = told.filter(periods=periods).join(added, on="unique_id", suffix=":added")
        assert both.height == added.height > 120
        for column in ("yhat", "q50", "lo-80", "hi-95"):
            assert both[column].to_list() == pytest.approx(both[f"{column}:added"].to_list())
