"""Prices that nobody knows for coming weeks: forecasts stay at the level of the series, learned so or not.

Kiosks sell at an elasticity of -1.5 around a level, at prices drawn each week; what they sell without noise in a coming
week is known, and so is the mean over prices, which is the best that can be said without the price.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting import models
from forecasting.config import Config
from forecasting.data.aggregates import aggregate_cut, group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.features.base import LEAD, hidden_mark
from forecasting.models import lightgbm
from forecasting.models.lightgbm.training_rows import assign_leads
from forecasting.models.lightgbm.unknown_drivers import Drivers, mark_hidden
from forecasting.models.stats.histories import iterate_histories, select_regressors
from forecasting.models.stats.statsforecast_spec import StatsForecastSpec

H, WEEKS, KIOSKS = 8, 110, 6
START = date(2023, 1, 2)
LAST = START + timedelta(7 * (WEEKS - 1))
FACTORS = np.array([0.8, 0.9, 1.0, 1.0, 1.1, 1.2])
ELASTICITY = -1.5
USUAL = float((FACTORS**ELASTICITY).mean())
"""What is sold on average over the prices, in units of what is sold at the usual one."""


def base(kiosk: int) -> float:
    return 100.0 + 60 * kiosk


@pytest.fixture(scope="module")
def sold() -> pl.DataFrame:
    """All weeks, those ahead with their prices and without sales."""
    rng, parts = np.random.default_rng(4), []
    for kiosk in range(KIOSKS):
        factor = rng.choice(FACTORS, WEEKS + H)
        y = base(kiosk) * factor**ELASTICITY * rng.gamma(900, 1 / 900, WEEKS + H)
        y[WEEKS:] = np.nan
        ds = [START + timedelta(7 * k) for k in range(WEEKS + H)]
        frame = {"unique_id": f"k{kiosk}", "ds": ds, "y": y, "price": np.round((2 + 0.3 * kiosk) * factor, 2)}
        parts.append(pl.DataFrame(frame))
    return pl.concat(parts).with_columns(pl.col("y").fill_nan(None))


def without(sold: pl.DataFrame, unknown: pl.Expr) -> pl.DataFrame:
    return sold.with_columns(price=pl.when((pl.col("ds") <= LAST) | ~unknown).then("price"))


def cut(rows: pl.DataFrame, mode: str = "as_served", **keys) -> Cut:
    light = {"lightgbm": {"trees": 60, "params": {"min_data_in_leaf": 10, "num_leaves": 15}}}
    columns = {"known_ahead": ["price"], "price": "price"}
    given = {"name": "x", "source": {}, "freq": "1w", "h": H, "columns": columns, "models": ["ladder", light]}
    config = Config.model_validate(given | {"backtest": {"known_ahead": mode}} | keys)
    panel = fill_gaps(flag_observations(rows, config), config, LAST)
    return Cut(Panel(config, InMemory(panel), (0,), InMemory(group_sums(panel, config, [()]))), LAST, H)


def fitted(at: Cut) -> lightgbm.FittedLightGBM:
    (model,) = models.build_entry(at.config.models[1], at.config)
    return model.fit(at)


def levels(made: lightgbm.FittedLightGBM, at: Cut) -> dict[str, float]:
    """Mean forecast of each kiosk in units of its base."""
    rows = made.predict(at, 0)
    assert set(rows["source"]) == {"LightGBM"}
    mean = rows.group_by("unique_id").agg(pl.col("yhat").mean())
    return {name: yhat / base(int(name[1:])) for name, yhat in mean.iter_rows()}


EVERY = pl.lit(value=True)
SOME = pl.col("unique_id").is_in(["k1", "k4"])
LATER = pl.col("ds") > LAST + timedelta(7 * 3)


@pytest.mark.parametrize("unknown", [EVERY, SOME, LATER], ids=["all rows", "two kiosks", "after three weeks"])
def test_forecasts_without_a_price_stay_at_the_level(sold, unknown):
    at = cut(without(sold, unknown))
    rows = fitted(at).predict(at, 0).join(at.frame(0).select("unique_id", "ds", "price"), on=["unique_id", "ds"])
    blind = rows.filter(pl.col("price").is_null()).group_by("unique_id").agg(pl.col("yhat").mean())
    assert blind.height
    for name, yhat in blind.iter_rows():
        assert yhat / base(int(name[1:])) == pytest.approx(USUAL, rel=0.12), name


@pytest.mark.parametrize("unknown", [SOME, LATER], ids=["two kiosks", "after three weeks"])
def test_where_the_price_is_known_it_still_counts(sold, unknown):
    """The error of rows with a price is a third of what ignoring it would cost."""
    at = cut(without(sold, unknown))
    planned = at.frame(0).filter(pl.col("ds") > LAST, pl.col("price").is_not_null()).select("unique_id", "ds", "price")
    rows = fitted(at).predict(at, 0).join(planned, on=["unique_id", "ds"])
    kiosk = rows["unique_id"].str.slice(1).cast(pl.Int64).to_numpy()
    due = (100 + 60 * kiosk) * (rows["price"].to_numpy() / (2 + 0.3 * kiosk)) ** ELASTICITY
    blind = np.abs(due / (100 + 60 * kiosk) - USUAL).mean()
    assert (np.abs(rows["yhat"].to_numpy() - due) / (100 + 60 * kiosk)).mean() < 0.5 * blind


@pytest.mark.parametrize("mode", ["as_served", "recorded"])
def test_boosters_that_never_missed_a_price_are_given_the_usual_one(sold, mode):
    """All prices were known at the training, none is tonight: as at the median of four weeks, not as if free."""
    made = fitted(cut(sold, mode))
    tonight = cut(without(sold, EVERY), mode)
    four = sold.filter(pl.col("ds").is_between(LAST - timedelta(21), LAST))
    last = four.group_by("unique_id").agg(pl.col("price").median(), ds=pl.lit(LAST + timedelta(7)), y=None)
    ahead = pl.concat([last.with_columns(ds=pl.col("ds") + timedelta(7 * k)) for k in range(H)])
    told = cut(pl.concat([sold.filter(pl.col("ds") <= LAST), ahead.select(sold.columns).cast(sold.schema)]), mode)
    assert levels(made, tonight) == pytest.approx(levels(made, told), rel=1e-9)
    assert all(0.6 < level < 1.6 for level in levels(made, tonight).values())


def test_what_was_learned_is_kept_with_the_boosters(sold, tmp_path):
    at = cut(without(sold, EVERY))
    made = fitted(at)
    assert set(made.drivers.values()) == {Drivers(("price",), ())}
    assert fitted(cut(sold)).drivers[H] == Drivers((), ("price",))
    made.save(tmp_path / "m")
    again = lightgbm.load(tmp_path / "m")
    assert again.drivers == made.drivers
    assert again.predict(cut(without(sold, EVERY)), 0).equals(made.predict(at, 0))


def test_rows_kept_from_the_training_are_those_that_a_fresh_cut_makes(sold):
    rows = without(sold, LATER | SOME)
    at = cut(rows)
    made = fitted(at)
    assert made.predict(at, 0).equals(made.predict(cut(rows), 0))


def test_the_past_is_hidden_as_often_as_the_coming_weeks_of_the_same_steps(sold):
    """Of the steps 5 to 8 none is known after three weeks, of 3 and 4 the first, of 1 and 2 both."""
    at = cut(without(sold, LATER))
    for (before, end), share in {(0, 1): 0.0, (2, 4): 0.5, (4, 8): 1.0}.items():
        marked = mark_hidden(at, assign_leads(at, at.frame(0), (before, end)), ("price",))
        past = marked.filter(pl.col("ds") <= LAST)
        assert past[hidden_mark("price")].mean() == pytest.approx(share, abs=0.02)
        weeks = past.filter(hidden_mark("price"))["ds"].n_unique()
        assert weeks == (WEEKS if share else 0), "some kiosk goes without in every week of the past"
        assert marked.drop(hidden_mark("price"), LEAD).equals(at.frame(0))


def test_every_week_of_the_past_stands_at_each_step_of_a_block_and_the_coming_ones_at_their_own(sold):
    at = cut(sold)
    placed = assign_leads(at, at.frame(0), (2, 5))
    coming, past = placed.filter(pl.col("ds") > LAST), placed.filter(pl.col("ds") <= LAST)
    assert coming[LEAD].to_list() == ((coming["ds"] - LAST).dt.total_days() // 7).to_list()
    counts = past[LEAD].value_counts().sort(LEAD)
    assert counts[LEAD].to_list() == [3, 4, 5]
    assert counts["count"].min() > 0.9 * past.height / 3
    ordered = past.sort("unique_id", "ds")[LEAD].diff()
    assert ((ordered == 1).mean() or 0) > 0.6, "steps follow each other, as in a forecast"


def test_a_regressor_that_is_never_known_ahead_is_not_estimated(sold):
    spec = StatsForecastSpec("ARIMA", {"order": [1, 0, 0]}, None)
    chosen = {
        name: [select_regressors(series, None) for series in iterate_histories(spec, at, at.frame(0))]
        for name, at in {
            "known": cut(sold),
            "some": cut(without(sold, LATER)),
            "never": cut(without(sold, SOME)),
        }.items()
    }
    assert chosen["known"] == chosen["some"] == [["price"]] * KIOSKS
    assert chosen["never"] == [["price"], [], ["price"], ["price"], [], ["price"]]


def test_the_price_of_an_aggregate_does_not_jump_where_that_of_a_series_is_unknown(sold):
    """The mean of five known prices and the usual one of the sixth, the median of four weeks, worked by hand."""
    of_aggregates = {"models": ["ladder", {"stats": {"class": "AutoARIMA", "on": "aggregates"}}]}
    at = cut(without(sold, pl.col("unique_id") == "k5"), **of_aggregates)
    total = aggregate_cut(at, [()]).frame(0).filter(pl.col("ds") > LAST).sort("ds")["price"].to_list()
    newest = sold.filter(pl.col("unique_id") == "k5", pl.col("ds") <= LAST).sort("ds")["price"].to_list()[-4:]
    usual = sum(sorted(newest)[1:3]) / 2
    known = sold.filter(pl.col("unique_id") != "k5", pl.col("ds") > LAST).group_by("ds").agg(pl.col("price").sum())
    assert total == pytest.approx([(s + usual) / KIOSKS for s in known.sort("ds")["price"]])
