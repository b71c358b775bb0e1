"""StatsForecast by name: its own answers, what is stored, what is refused, and known effects found again."""

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.config import Config
from forecasting.data import sources
from forecasting.data.aggregates import aggregate_cut
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.errors import UserError
from forecasting.models.stats import fitting, statsforecast_spec
from forecasting.services.engine import LocalEngine

NO_GROUPS = InMemory(pl.DataFrame())

NEEDS = {
    "ARIMA": {"order": [1, 0, 0], "seasonal_order": [0, 1, 1]},
    "AutoARIMA": {"max_p": 1, "max_q": 1, "max_P": 1, "max_Q": 0},
    "AutoMFLES": {"test_size": 7},
    "AutoRegressive": {"lags": 2},
    "ConstantModel": {"constant": 3.0},
    "SeasonalExponentialSmoothing": {"alpha": 0.2},
    "SeasonalWindowAverage": {"window_size": 2},
    "SimpleExponentialSmoothing": {"alpha": 0.2},
    "TSB": {"alpha_d": 0.1, "alpha_p": 0.1},
    "WindowAverage": {"window_size": 3},
}
KEPT = ["ARIMA", "AutoARIMA", "AutoCES", "AutoETS", "AutoRegressive", "AutoTheta", "ConstantModel"]
KEPT += ["DynamicOptimizedTheta", "DynamicTheta", "Holt", "HoltWinters", "MSTL", "Naive"]
KEPT += ["OptimizedTheta", "SeasonalNaive", "Theta", "ZeroModel"]
ANEW = ["ADIDA", "ARCH", "AutoMFLES", "CrostonClassic", "CrostonOptimized", "CrostonSBA", "GARCH"]
ANEW += ["HistoricAverage", "IMAPA", "MFLES", "RandomWalkWithDrift", "SeasonalExponentialSmoothing"]
ANEW += ["SeasonalExponentialSmoothingOptimized", "SeasonalWindowAverage", "SimpleExponentialSmoothing"]
ANEW += ["SimpleExponentialSmoothingOptimized", "TBATS", "TSB", "WindowAverage"]
TOO_SLOW_FOR_A_TEST = ["AutoTBATS"]
REFUSED = ["SklearnModel", "NaNModel", "ConformalSeasonalPool"]


def one_series(values, freq="1d", h=7, drivers=None, recipe=None, **changes) -> Cut:
    """A cut at the end of one series; drivers hold h more values than the series."""
    start, n = date(2022, 1, 3) if freq == "1d" else date(2012, 1, 1), len(values)
    ds = pl.date_range(start, start + timedelta(40 * (n + h)), freq, eager=True)[: n + h]
    columns = {"known_ahead": list(drivers or {})}
    given = {"name": "one", "source": {"kind": "table"}, "freq": freq, "h": h, "columns": columns}
    config = Config.model_validate(given | {"models": ["ladder", *(recipe or [])]} | changes)
    rows = pl.DataFrame({"unique_id": "one", "ds": ds, "y": [*values, *[None] * h], **(drivers or {})})
    rows = rows.with_columns(pl.col("y").cast(pl.Float64))
    return Cut(
        Panel(
            config,
            InMemory(fill_gaps(flag_observations(rows, config), config, ds[n - 1])),
            (0,),
            NO_GROUPS,
        ),
        ds[n - 1],
        h,
    )


def train(cut: Cut):
    """The last model of the recipe, fitted."""
    return models.build(cut.config)[-1].fit(cut)


def weekly(n=70, seed=3):
    rng = np.random.default_rng(seed)
    return 100 + 20 * np.sin(2 * np.pi * np.arange(n) / 7) + rng.normal(0, 4, n)


def test_every_class_is_spoken_of_here():
    assert sorted([*KEPT, *ANEW, *TOO_SLOW_FOR_A_TEST, *REFUSED]) == sorted(statsforecast_spec.classes())


@pytest.mark.parametrize("name", [*KEPT, *ANEW])
def test_says_what_the_class_itself_says(name):
    """Direct calls of StatsForecast are the oracle: fitted on the history, and applied to a week more."""
    y = weekly()
    recipe = [{"stats": {"class": name, "name": "X", **NEEDS.get(name, {})}}]
    cut = one_series(y, recipe=recipe)
    fitted = train(cut)
    cls = statsforecast_spec.classes()[name]
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in NEEDS.get(name, {}).items()}
    options |= {"season_length": 7} if "season_length" in cls.__init__.__code__.co_varnames else {}
    said = fitted.predict(cut, 0)
    own = cls(**options).forecast(y=y, h=7)["mean"]
    near = 0.05 if name in ("ARIMA", "AutoARIMA") else 1e-9  # a differenced ARIMA goes on to its maximum likelihood
    np.testing.assert_allclose(said["yhat"], np.maximum(own, 0), rtol=near)
    assert set(said["source"]) == {"X" if name in KEPT else "X (refit)"}


@pytest.mark.parametrize("name", KEPT)
def test_stored_coefficients_are_applied_to_a_longer_history_and_not_estimated_again(name, tmp_path):
    y = weekly(77)
    recipe = [{"stats": {"class": name, "name": "X", **NEEDS.get(name, {})}}]
    early, late = one_series(y[:70], recipe=recipe), one_series(y, recipe=recipe)
    fitted = train(early)
    fitted.save(tmp_path)
    again = models.load("stats", tmp_path)
    assert_frame_equal(again.predict(late, 0), fitted.predict(late, 0), check_exact=True)
    if name in ("AutoETS", "AutoCES", "AutoTheta"):
        cls = statsforecast_spec.classes()[name]
        oracle = cls(season_length=7).fit(y[:70]).forward(y, 7)["mean"]
        np.testing.assert_allclose(again.predict(late, 0)["yhat"], oracle, rtol=1e-9)


def test_the_folder_holds_readable_coefficients(tmp_path):
    cut = one_series(weekly(), recipe=[{"stats": {"class": "ARIMA", **NEEDS["ARIMA"]}}])
    fitted = train(cut)
    fitted.save(tmp_path)
    assert json.loads((tmp_path / "recipe.json").read_text())["recipe"]["options"]["order"] == [1, 0, 0]
    params = json.loads(pl.read_parquet(tmp_path / "series.parquet")["params"].item())
    assert params["arma"] == [1, 0, 0, 1, 7, 0, 1]
    assert set(fitted.coefficients()["name"]) == {"ar1", "sma1", "sigma2"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"class": "AutoArima"}, ["AutoArima", "nearest: AutoARIMA"]),
        ({"class": "SARIMAX"}, ["SARIMAX", "ARIMA"]),
        ({"order": [1, 1, 1], "name": "X"}, ["nearest"]),
        ({"class": "ConformalSeasonalPool"}, ["without a seed"]),
        ({"class": "ARIMA", "ordr": [1, 1, 1]}, ["models.1.ordr", "nearest: order"]),
        ({"class": "ARIMA", "order": [1, 1]}, ["models.1.order", "[1, 1]"]),
        ({"class": "ARIMA", "order": [1, -1, 0]}, ["models.1.order", "not negative"]),
        ({"class": "ARIMA", "order": "(1,1,1)"}, ["models.1.order"]),
        ({"class": "ARIMA", "method": "CSS"}, ["models.1.method", "CSS-ML"]),
        ({"class": "ARIMA", "alias": "X"}, ["use `name`"]),
        ({"class": "AutoETS", "season_length": "yearly"}, ["models.1.season_length"]),
        ({"class": "TSB", "alpha_d": 0.1}, ["alpha_p"]),
        ({"class": "ARIMA", "regressors": ["weather"]}, ["weather", "promo, open"]),
        ({"class": "AutoETS", "regressors": ["promo"]}, ["takes no regressors"]),
        ({"class": "AutoETS", "periods": 0}, ["models.1.periods", "whole number above 0"]),
        ({"class": "AutoETS", "periods": True}, ["models.1.periods"]),
    ],
)
def test_a_wrong_entry_is_told_before_any_fit(configure, options, words):
    config = configure(models=["ladder", {"stats": options}])
    with pytest.raises(UserError) as told:
        models.build(config)
    assert all(word in str(told.value) for word in [*words, "models.1"])


def test_a_regressor_that_is_text_is_told(configure, rows, remake):
    columns = {"known_ahead": ["kind"]}
    recipe = ["ladder", {"stats": {"class": "ARIMA", "regressors": "kind"}}]
    config = configure(columns=columns, models=recipe)
    cut = Cut(remake(config, rows.select("unique_id", "ds", "y", "kind")), date(2024, 7, 14), 14)
    with pytest.raises(UserError, match="kind must be a number"):
        models.build(config)[-1].fit(cut)


def test_no_more_than_the_newest_periods_are_used_but_three_seasons(tmp_path):
    """What is older may be anything; the saved model goes on with as many periods, however long the history grows."""
    old, new = [1e4, 2e4] * 50, list(weekly(60))
    entry = {"stats": {"class": "HistoricAverage", "name": "Mean", "periods": 60}}
    fitted = train(whole := one_series(old + new, recipe=[entry]))
    assert fitted.predict(whole, 0)["yhat"].to_list() == pytest.approx([np.mean(new)] * 7)
    fitted.save(tmp_path)
    later = one_series(old + new + [0.0] * 30, recipe=[entry])
    expected = [np.mean([*new[30:], *[0.0] * 30])] * 7
    assert models.load("stats", tmp_path).predict(later, 0)["yhat"].to_list() == pytest.approx(expected)
    few = one_series(new, recipe=[{"stats": {"class": "HistoricAverage", "name": "Mean", "periods": 2}}])
    assert train(few).predict(few, 0)["yhat"].to_list() == pytest.approx([np.mean(new[-21:])] * 7)


def test_the_series_of_one_bucket_are_fitted_in_parts_that_give_what_one_gives():
    one = one_series(weekly(60), recipe=[{"stats": {"class": "AutoCES"}}])
    rows, rng = one.panel.scan(0).collect(), np.random.default_rng(4)
    many = [
        rows.with_columns(unique_id=pl.lit(f"s{k:02}"), y=pl.col("y") + pl.Series(rng.normal(0, 9, rows.height)))
        for k in range(50)
    ]
    cut = replace(one, panel=replace(one.panel, scan=InMemory(pl.concat(many))))
    spec = models.build(one.config)[-1].spec
    parts = fitting.parts_of(cut)
    assert [(part.first, part.every) for part in parts] == [(0, 3), (1, 3), (2, 3)]
    fitted = pl.concat(LocalEngine(2).map(partial(fitting.fit_part, spec, cut), parts)).sort("unique_id")
    assert_frame_equal(fitted, fitting.fit_part(spec, cut, fitting.Part(0, 0, 1)))
    assert fitted["unique_id"].to_list() == [f"s{k:02}" for k in range(50)]
    assert fitting.parts_of(one) == [fitting.Part(0, 0, 1)]


def test_a_series_that_cannot_be_fitted_is_answered_by_the_ladder_and_listed():
    cut = one_series([5.0, 6.0], recipe=[{"stats": "AutoETS"}])
    fitted = train(cut)
    assert fitted.failures.to_dicts() == [{"unique_id": "one", "reason": fitted.failures["reason"].item()}]
    assert "Error" in fitted.failures["reason"].item()
    said = fitted.predict(cut, 0)
    assert said["yhat"].to_list() == [6.0] * 5 + [5.0, 6.0]
    assert said["source"].to_list() == ["Naive"] * 5 + ["SeasonalMean4"] * 2
    assert fitted.coefficients().is_empty()


def test_a_forecast_that_runs_away_is_not_passed_on():
    """A sum of squares grows for ever: differenced five times it is carried on to the moon."""
    growing = [float(2**i) for i in range(14)]
    cut = one_series(growing, h=28, recipe=[{"stats": {"class": "ARIMA", "order": [0, 4, 0]}}])
    fitted = train(cut)
    assert "runs away" in fitted.failures["reason"].item()
    assert set(fitted.predict(cut, 0)["source"]) == {"SeasonalMean4"}


def test_gaps_are_filled_by_the_season_and_never_taken_as_adjacent():
    """A weekly pattern without noise and with a hole: the forecast must stay in phase and exact."""
    y = np.tile([10.0, 20, 30, 40, 50, 60, 70], 10)
    holed = [None if i in (33, 34, 35, 60, 69) else v for i, v in enumerate(y)]
    cut = one_series(
        holed,
        recipe=[{"stats": "SeasonalNaive"}],
        models=["ladder", {"stats": {"class": "SeasonalNaive", "name": "X"}}],
    )
    assert train(cut).predict(cut, 0)["yhat"].to_list() == [10.0, 20, 30, 40, 50, 60, 70]


def test_useless_regressors_are_left_out_series_by_series():
    """Constant, the double of another one, never known: only the real one gets a coefficient."""
    rng = np.random.default_rng(0)
    price = rng.choice([1.0, 2.0, 3.0], 127)
    drivers = {"price": price, "twice": 2 * price + 1, "same": [4.0] * 127, "unknown": [None] * 127}
    y = 100 - 10 * price[:120] + rng.normal(0, 1, 120)
    config = {"class": "ARIMA", "order": [1, 0, 0], "season_length": 1}
    schema = {c: pl.Series(v, dtype=pl.Float64) for c, v in drivers.items()}
    fitted = train(one_series(y, drivers=schema, recipe=[{"stats": config}]))
    found = dict(fitted.coefficients().select("name", "value").iter_rows())
    assert set(found) == {"ar1", "intercept", "price", "sigma2"}
    assert found["price"] == pytest.approx(-10, rel=0.05)


def test_open_is_left_out_unless_it_is_a_share():
    """Closed days are imputed as open ones; for an aggregate the share of its stores that is open explains a lot."""
    rng = np.random.default_rng(0)
    shut = np.where(np.arange(147) % 7 == 6, 0.0, 1.0)
    share = rng.choice([0.5, 0.75, 1.0], 147)
    for opened, found in ((shut, {"ar1", "intercept", "sigma2"}), (share, {"ar1", "intercept", "sigma2", "open"})):
        y = 80 * opened[:140] + rng.normal(0, 2, 140)
        recipe = [{"stats": {"class": "ARIMA", "order": [1, 0, 0], "season_length": 1}}]
        columns = {"known_ahead": ["open"], "open": "open"}
        fitted = train(one_series(y, drivers={"open": opened}, recipe=recipe, columns=columns))
        assert set(fitted.coefficients()["name"]) == found


@pytest.mark.parametrize("order", [([1, 0, 0], [1, 0, 0]), ([1, 1, 1], [0, 1, 1])])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_known_effects_of_promotion_and_price_are_found(order, seed):
    """Within 20 % of the truth, and as statsmodels estimates the same model with an exact likelihood."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    rng = np.random.default_rng(seed)
    n, h = 365, 7
    promo = (rng.random(n + h) < 0.15).astype(float)
    price = 10 + np.cumsum(rng.choice([0, 0, 0, 0, 0.5, -0.5], n + h))
    noise = np.zeros(n)
    for i in range(1, n):
        noise[i] = 0.5 * noise[i - 1] + rng.normal(0, 15)
    y = 600 + 60 * np.sin(2 * np.pi * np.arange(n) / 7) + 120 * promo[:n] - 15 * price[:n] + noise
    recipe = [{"stats": {"class": "ARIMA", "name": "SARIMAX", "order": order[0], "seasonal_order": order[1]}}]
    fitted = train(one_series(y, drivers={"promo": promo, "price": price}, recipe=recipe))
    found = dict(fitted.coefficients().select("name", "value").iter_rows())
    assert found["promo"] == pytest.approx(120, rel=0.2)
    assert found["price"] == pytest.approx(-15, rel=0.5)
    trend, x = None if order[0][1] else "c", np.c_[promo, price][:n]
    oracle = SARIMAX(y, x, order=order[0], seasonal_order=(*order[1], 7), trend=trend).fit(disp=0, maxiter=200)
    theirs = dict(zip(oracle.param_names, oracle.params, strict=True))
    assert found["promo"] == pytest.approx(theirs["x1"], rel=0.02)
    assert found["price"] == pytest.approx(theirs["x2"], rel=0.05)


def test_the_promotion_effects_of_the_built_in_chain_are_found():
    """SARIMAX on the total and every store of the made-up chain finds what a promotion of the whole chain adds, within
    20 % of the chain's own account.
    """
    roles = {"price": "price", "promo": "promo", "open": "open", "stock": "stock"}
    static = ["store", "item", "category"]
    columns = {"known_ahead": ["price", "promo", "open"], "known_after": ["stock"], "static": static, **roles}
    recipe = {"class": "ARIMA", "order": [1, 0, 1], "seasonal_order": [0, 1, 1], "on": "aggregates"}
    options = {"stores": 3, "items": 12, "days": 500, "seed": 3, "promos": "chain"}
    config = Config.model_validate(
        {
            "name": "chain",
            "source": {"kind": "synthetic", "options": options},
            "freq": "1d",
            "h": 14,
            "columns": columns,
            "models": ["ladder", {"stats": recipe}],
        }
    )
    loaded = sources.load(config)
    rows = loaded.long.drop("file", "line", "fault", "fault_value")
    last = rows.filter(pl.col("y").is_not_null())["ds"].max()
    panel = Panel(config, InMemory(fill_gaps(flag_observations(rows, config), config, last)), (0,), NO_GROUPS)
    found = train(aggregate_cut(Cut(panel, last, 14), [(), ("store",)])).coefficients().filter(name="promo")
    both = found.join(loaded.true_effects.filter(effect="promo_units"), on="unique_id", suffix="_true")
    assert both.height == 4
    off = both.select("unique_id", off=pl.col("value") / pl.col("value_true") - 1)
    assert off["off"].abs().max() < 0.2, off


PUBLISHED = [7025.89, 9975.79, 12851.13, 4615.74, 3732.74, 4828.99]
PUBLISHED += [5068.26, 5131.61, 5535.83, 4600.84, 1682.72, 6168.17]


def champagne(shared) -> np.ndarray:
    lines = (shared / "champagne/perrin-freres-monthly-champagne.csv").read_text().splitlines()[1:]
    return np.array([float(line.split(",")[1]) for line in lines if line[:2] == "19"])


def test_champagne_comes_as_near_to_the_published_study_as_the_likelihood_allows(shared):
    """SARIMAX(1,1,1)(1,1,1)[12] for the 12 months after 1972-09.

    A study printed twelve forecasts of this kind of model. Ours are within 2.1 % of them in every month and within
    0.7 % on average; the worst month is August, which sells least. What is left is no error of the fit: statsmodels
    finds our forecasts to a hundredth of a percent when its filter starts exactly diffuse. By default, and presumably
    in the study, it starts from a variance of 1e6, which is not diffuse for monthly sales of about 5000 (their square
    is 2.5e7): that moves the two seasonal coefficients along a ridge of the likelihood, and August by 2 %. The default
    gives our forecasts, too, when it is asked in units of 2500. StatsForecast's own estimate, which stops at
    conditional least squares, is up to 6 % away from the study.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    y = champagne(shared)
    assert len(y) == 105
    asked = {"class": "ARIMA", "name": "SARIMAX", "order": [1, 1, 1], "seasonal_order": [1, 1, 1]}
    recipe = ["ladder", {"stats": asked}]
    cut = one_series(y, freq="1mo", h=12, models=recipe)
    ours = train(cut).predict(cut, 0)["yhat"].to_numpy()
    away = np.abs(ours / PUBLISHED - 1)
    assert away.max() < 0.021
    assert away.mean() < 0.007
    order = {"order": (1, 1, 1), "seasonal_order": (1, 1, 1, 12)}
    exact = SARIMAX(y, **order, use_exact_diffuse=True).fit(disp=0).forecast(12)
    np.testing.assert_allclose(ours, exact, rtol=1e-3)
    np.testing.assert_allclose(ours, 2500 * SARIMAX(y / 2500, **order).fit(disp=0).forecast(12), rtol=1e-3)
    np.testing.assert_allclose(ours, SARIMAX(y, **order).fit(disp=0).forecast(12), rtol=0.025)
