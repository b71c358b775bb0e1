"""One cutoff, three processes, the same rows: the backtest, the nightly vintage, one series out of the bundle."""

import subprocess
import sys

import polars as pl
import pytest

from tests import chain
from tests.chain import KEY, OVER

ONE = "S2/I03"
ALONE = """
import sys
from datetime import date
import polars as pl
from forecasting.config import load
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.session import open_session
path, cutoff, name, out = sys.argv[1:]
config, at = load(path), date.fromisoformat(cutoff)
session = open_session(config)
rows = session.store.scan("panel").filter(pl.col("unique_id") == name).collect()
whole = session.panel
panel = Panel(config, InMemory(rows), (0,), whole.groups, part_of=whole)
bundle = bundles.fetch(session.registry, bundles.version_at(session, at))
rows = forecast_bucket(bundle.trained, Cut(panel, at, config.h), 0).with_columns(grain=pl.lit("series"))
calibrate(rows, bundle.quantiles, config).write_parquet(out)
"""


@pytest.fixture(scope="module")
def backtested() -> pl.DataFrame:
    """The newest backtest window of the job that knows two more weeks."""
    job, _ = chain.ran()
    return job.table("backtests", cutoff=OVER)


@pytest.fixture(scope="module")
def vintage() -> pl.DataFrame:
    """The vintage of that night, from another process."""
    return chain.night().table("forecasts", cutoff=OVER)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> pl.DataFrame:
    """What a third process says from the bundle about one series."""
    out = tmp_path_factory.mktemp("alone") / "said.parquet"
    path = str(chain.night().folder / "job.yaml")
    subprocess.run([sys.executable, "-c", ALONE, path, str(OVER), ONE, str(out)], check=True)
    return pl.read_parquet(out)


def test_a_backtest_says_what_the_nightly_vintage_says(backtested, vintage):
    series = pl.col("grain") == "series"
    assert backtested.filter(series).height == 8 * 14 * 7
    assert set(backtested.filter(series)["interval"]) == {"horizon block", "all horizons"}, (
        "both kinds of bounds are compared"
    )
    chain.assert_alike(backtested.filter(series), vintage.filter(series))


def test_so_it_does_for_aggregates_on_days_when_all_their_series_were_observed(backtested, vintage):
    """A backtest sums the series that were observed, so that both sides of an error are over the same ones."""
    panel = chain.ran()[0].table("panel")
    lost = panel.filter(pl.col("flag").is_in(["out_of_stock", "missing"]))
    groups = (pl.format("store={}", "store"), pl.lit("total"))
    holes = pl.concat([lost.select("ds", unique_id=group) for group in groups])
    whole = backtested.filter(pl.col("grain") != "series").join(holes, on=["unique_id", "ds"], how="anti")
    assert set(whole["grain"]) == {"total", "store"}
    assert set(whole["model"]) >= {"Sums", "LightGBM", "Ensemble"}
    chain.assert_alike(whole, vintage.join(whole, on=[*KEY, "grain"], how="semi"))


def test_a_fresh_process_says_the_same_of_one_series(vintage, alone):
    mine = vintage.filter(pl.col("unique_id") == ONE)
    assert mine["model"].n_unique() == 7
    chain.assert_alike(mine, alone)
