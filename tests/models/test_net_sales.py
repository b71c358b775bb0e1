"""Returns: what is below 0 is learned and forecast by its size, and few returns cost the others nothing."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.models.lightgbm.targets import SHARP, TO_LEVELS
from tests.models.conftest import CUTOFF, H, make_panel, small_config

QUICK = {"trees": 100, "params": {"min_data_in_leaf": 5, "num_leaves": 7}}
LIGHT = [{"lightgbm": QUICK}, {"lightgbm": {"name": "Median", "predicts": "median", **QUICK}}]


def cut_of(rows: pl.DataFrame) -> Cut:
    columns = {"known_ahead": ["open"], "open": "open", "static": ["kind"]}
    config = small_config(models=["ladder", *LIGHT], blocks=[H], columns=columns)
    return Cut(make_panel(config, rows), CUTOFF, H)


def forecasts(cut: Cut) -> dict[str, pl.DataFrame]:
    recipe = models.build(cut.config)
    return {m.name: m.fit(cut).predict(cut, 0).sort("unique_id", "ds") for m in recipe}


def objective(cut: Cut) -> str:
    (mean, _) = (m.fit(cut) for m in models.build(cut.config) if m.family == "lightgbm")
    return mean.boosters[H][0].params["objective"]


@pytest.fixture(scope="module")
def usual(rows) -> pl.DataFrame:
    return rows.filter(pl.col("unique_id").str.starts_with("s"), pl.col("unique_id") != "short")


def test_a_panel_of_returns_is_the_mirror_image_of_one_of_sales(usual):
    """Every model sees what it would see of sales, and says the same with the other sign."""
    sold, returned = (forecasts(cut_of(usual.with_columns(pl.col("y") * sign))) for sign in (1, -1))
    for name, said in sold.items():
        mirrored = returned[name]
        assert said["yhat"].sum() > 0
        assert said.select("unique_id", "ds", "source").equals(mirrored.select("unique_id", "ds", "source"))
        np.testing.assert_allclose(-mirrored["yhat"].to_numpy(), said["yhat"].to_numpy(), rtol=1e-9, err_msg=name)


def test_few_returns_leave_the_loss_and_the_forecasts_of_the_others(usual):
    """One day in fifty of one series comes back: squares would give all series other forecasts."""
    day = (pl.col("ds") - pl.col("ds").min()).dt.total_days()
    odd = (pl.col("unique_id") == "s0") & (day % 50 == 7)
    some = cut_of(usual.with_columns(y=pl.when(odd).then(-pl.col("y")).otherwise("y")))
    assert objective(some) == "tweedie"
    before, after = forecasts(cut_of(usual))["LightGBM"], forecasts(some)["LightGBM"]
    others = pl.col("unique_id") != "s0"
    change = (after.filter(others)["yhat"] - before.filter(others)["yhat"]).abs().sum() / before["yhat"].sum()
    assert change < 0.05
    mine = (after.filter(~others)["yhat"].sum(), before.filter(~others)["yhat"].sum())
    assert 0.7 < mine[0] / mine[1] < 1.05


def test_where_much_comes_back_means_below_zero_can_be_learned(usual):
    """Every Wednesday more comes back than is sold."""
    wednesday = pl.col("ds").dt.weekday() == 3
    cut = cut_of(usual.with_columns(y=pl.when(wednesday).then(-pl.col("y") / 2).otherwise("y")))
    assert objective(cut) == "regression"
    mean, median = (m.fit(cut) for m in models.build(cut.config) if m.family == "lightgbm")
    assert mean.remarks[0].startswith("learned by squared errors, not by tweedie: more than 5% of what")
    assert median.remarks == ()
    for said in (forecasts(cut)[name] for name in ("LightGBM", "Median", "SeasonalNaive")):
        assert said.filter(wednesday)["yhat"].max() < 0
        assert said.filter(pl.col("ds").dt.weekday().is_in([1, 2, 4, 5, 6]))["yhat"].min() > 0


def test_a_return_weighs_as_zeros_that_give_the_same_mean():
    """The mean of 9 days at 10/9 and one of -t is that of the weighted zeros in the loss with a logarithm."""
    y = np.array([10 / 9 + 0.3] * 9 + [-0.7])
    mean = y.mean()
    weights = 1 + np.clip(-y, 0, None)
    found = (np.clip(y, 0, None) * weights).sum() / weights.sum()
    assert abs(mean - 1.2) < 0.01
    assert abs(found - mean) < 0.02, "exact where the mean is 1, and close around it"


def test_the_scale_of_the_median_is_odd():
    values = pl.DataFrame({"level": [-2.0, -0.3, 0.0, 0.4, 5.0]})
    scaled = values.select((pl.col("level").sign() * (pl.col("level").abs() * SHARP).log1p()).alias("v"))
    back = scaled.select(TO_LEVELS["median"](pl.col("v")))
    np.testing.assert_allclose(back.to_series(), values["level"], rtol=1e-12)


def test_only_series_that_were_below_zero_are_forecast_there(usual):
    falling = usual.filter(pl.col("unique_id") == "s1").with_columns(
        unique_id=pl.lit("sinking"), y=20.0 - (pl.col("ds") - pl.col("ds").min()).dt.total_days() / 8
    )
    rows = pl.concat([usual, falling])
    recipe = ["ladder", {"stats": {"class": "AutoETS", "season_length": 1, "model": "AAN"}}]
    cut = replace(cut_of(rows), panel=make_panel(small_config(models=recipe), rows))
    said = models.build(cut.config)[-1].fit(cut).predict(cut, 0)
    assert said.filter(pl.col("unique_id") == "sinking", pl.col("ds").dt.weekday() != 7)["yhat"].max() < -3
    floor = {c: said.filter(pl.col("unique_id") != "sinking")[c].min() for c in ("yhat", "lo-80", "lo-95")}
    assert min(floor.values()) == 0
