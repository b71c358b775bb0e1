"""Sums over several days: errors that hang together, quantiles that hold what they promise, the same every time."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.evaluation.sample_paths import draw_paths as drawn
from forecasting.evaluation.sample_paths import fit_error_pool, residual_vectors, sum_quantiles

START = date(2024, 1, 1)
H, PHI = 14, 0.8
TENTHS = {"q-10": 0.1, "q-50": 0.5, "q-90": 0.9}


def autoregressive(rng, shape):
    """Stationary AR(1) errors with variance 1 along the last axis."""
    e = rng.normal(size=shape)
    for t in range(1, shape[-1]):
        e[..., t] = PHI * e[..., t - 1] + np.sqrt(1 - PHI**2) * e[..., t]
    return e


def backtests(errors, level=100.0):
    """Rows of errors (windows, series, steps) around a forecast of `level` with scale 2."""
    h = errors.shape[-1]
    grid = np.indices(errors.shape).reshape(3, -1)
    return pl.DataFrame(
        {
            "unique_id": [f"s{i}" for i in grid[1]],
            "cutoff": [START + timedelta(days=int(h * k)) for k in grid[0]],
            "step": grid[2] + 1,
            "yhat": np.full(errors.size, level),
            "scale": np.full(errors.size, 2.0),
            "y": level + 2.0 * errors.ravel(),
        }
    ).cast({"step": pl.Int32})


def ahead(series=1, level=100.0, h=H):
    return backtests(np.zeros((1, series, h)), level).drop("cutoff", "y")


def paths(rows, residuals, n=500, seed=0, y_min=None):
    """`n` paths of the rows, drawn at once."""
    return drawn(rows, fit_error_pool(residuals, rows["step"].n_unique(), y_min, n, seed), seed)


def bounds(sampled, periods):
    """The quantiles of the sums of each series."""
    return sum_quantiles(sampled.sums(periods), TENTHS)


def test_sampled_errors_are_as_alike_from_step_to_step_as_the_backtests_were():
    before = autoregressive(np.random.default_rng(0), (6, 60, H))
    errors = (paths(ahead(60), backtests(before), 300).values - 100) / 2
    for lag in (1, 3, 7):
        real = np.corrcoef(before[..., lag:].ravel(), before[..., :-lag].ravel())[0, 1]
        drawn = np.corrcoef(errors[..., lag:].ravel(), errors[..., :-lag].ravel())[0, 1]
        assert drawn == pytest.approx(real, abs=0.05)
        assert real == pytest.approx(PHI**lag, abs=0.06)
    assert errors.std() == pytest.approx(before.std(), rel=0.05)


def test_sums_hold_what_they_promise_where_sums_of_daily_bounds_do_not():
    rng = np.random.default_rng(1)
    sampled = paths(ahead(40), backtests(autoregressive(rng, (8, 40, H))), 400)
    sold = 100 * H + 2 * autoregressive(rng, (4000, H)).sum(axis=1)  # the law itself, not what was sampled
    found = bounds(sampled, H)
    low, high = (found[f"q-{q}"].to_numpy()[:, None] for q in (10, 90))
    assert ((sold >= low) & (sold <= high)).mean() == pytest.approx(0.8, abs=0.03)
    independent = 1.2816 * 2 * np.sqrt(H)  # sums of errors that know nothing of each other
    assert (abs(sold - 100 * H) <= independent).mean() < 0.6
    added = 1.2816 * 2 * H  # the daily bounds added up
    assert (abs(sold - 100 * H) <= added).mean() > 0.86


def test_a_shock_that_all_series_share_stays_shared():
    rng = np.random.default_rng(2)
    shocks = np.repeat(autoregressive(rng, (60, 1, H)), 20, axis=1) + 0.3 * rng.normal(size=(60, 20, H))
    sampled = paths(ahead(20), backtests(shocks), 400)
    one, total = sampled.values[:, 0, :].sum(axis=1).std(), sampled.values.sum(axis=(1, 2)).std()
    assert total > 0.9 * 20 * one  # independent series would have 4.5 times the deviation of one
    own = rng.normal(size=(60, 20, H))
    apart = paths(ahead(20), backtests(own), 400).values
    assert apart.sum(axis=(1, 2)).std() < 0.4 * 20 * apart[:, 0, :].sum(axis=1).std()
    assert np.median(sampled.sums(7).sum(axis=1)) == pytest.approx(100 * 20 * 7, rel=0.01)


def test_what_a_single_window_had_in_common_may_come_again_with_either_sign():
    """One window in which all sold 3 scales more: it is no proven bias, and all that a total can err."""
    own = np.random.default_rng(9).normal(size=(1, 50, H))
    sampled = paths(ahead(20), backtests(3 + own), 400)
    means = (sampled.values.mean(axis=(1, 2)) - 100) / 2
    assert set(means.round()) == {-3.0, 3.0}
    assert sampled.values.mean() == pytest.approx(100, abs=0.7)  # 400 signs


def test_series_that_are_drawn_in_parts_share_windows_and_signs():
    shocks = np.random.default_rng(10).normal(size=(6, 1, 1)) + 0.01 * np.random.default_rng(11).normal(size=(6, 9, H))
    pool = fit_error_pool(backtests(shocks), H)
    one, other = (drawn(ahead(5), pool, seed).sums(H).sum(axis=1) for seed in (0, 1))
    assert np.corrcoef(one, other)[0, 1] > 0.99
    assert not np.array_equal(one, other)


def test_one_day_is_the_quantile_of_that_day_and_longer_sums_have_wider_bounds():
    before = autoregressive(np.random.default_rng(3), (6, 50, H))
    sampled = paths(ahead(50), backtests(before), 400)
    assert bounds(sampled, 1)["q-90"].mean() == pytest.approx(100 + 2 * 1.2816, abs=0.3)
    widths = [(f := bounds(sampled, k)).select(pl.col("q-90") - pl.col("q-10")).to_series() for k in (1, 7, 14)]
    assert (widths[0] < widths[1]).all()
    assert (widths[1] < widths[2]).all()
    assert f["q-10"].is_between(0, f["q-50"]).all()
    assert (f["q-50"] <= f["q-90"]).all()


def test_the_same_seed_gives_the_same_paths_whatever_the_order_of_rows():
    before = backtests(autoregressive(np.random.default_rng(4), (3, 8, H)))
    first = paths(ahead(8), before, 50, seed=5).values
    assert np.array_equal(
        first, paths(ahead(8).sample(fraction=1, shuffle=True, seed=1), before.reverse(), 50, 5).values
    )
    assert not np.array_equal(first, paths(ahead(8), before, 50, seed=6).values)


def test_no_path_leaves_the_floor_and_their_mean_stays_the_forecast():
    before = np.random.default_rng(5).exponential(1, (4, 30, H)) * 3 - 3
    sampled = paths(ahead(30, level=1.0), backtests(before), 800, y_min=0.0).values
    assert sampled.min() >= 0
    assert sampled.mean(axis=0) == pytest.approx(1.0)


def test_sums_of_rare_sellers_hold_zero_where_they_sell_nothing():
    """Poisson sales of 0.02 to 0.5 a day, whose mean is given."""
    rng = np.random.default_rng(8)
    rate = np.repeat(rng.uniform(0.02, 0.5, (4, 300, 1)), H, axis=2)
    sold = rng.poisson(rate).astype(float)
    rows = backtests(sold).with_columns(y=pl.Series(sold.ravel()), yhat=pl.Series(rate.ravel()))
    rows = rows.with_columns(scale=pl.col("yhat").sqrt())
    new = rows.filter(pl.col("cutoff") == pl.col("cutoff").max())
    before = rows.filter(pl.col("cutoff") < pl.col("cutoff").max())
    sampled = paths(new, before, 400, y_min=0.0)
    found = bounds(sampled, 7).with_columns(unique_id=pl.Series(sampled.ids))
    truth = new.filter(pl.col("step") <= 7).group_by("unique_id").agg(pl.col("y").sum())
    judged = found.join(truth, on="unique_id")
    held = judged.select(pl.col("y").is_between(pl.col("q-10"), pl.col("q-90")).mean()).item()
    assert 0.77 <= held <= 0.93  # sums of counts leap, and most lower bounds are 0
    assert (judged.filter(pl.col("q-50") < 0.5)["q-10"] == 0).all()


def test_closed_days_sell_nothing_and_unobserved_ones_teach_nothing():
    before = backtests(np.random.default_rng(6).normal(size=(3, 5, H)))
    shut = ahead(5).with_columns(closed=pl.col("step") == 3)
    shut = shut.with_columns(yhat=pl.when("closed").then(0.0).otherwise("yhat"))
    assert (paths(shut, before, 20).values[:, :, 2] == 0).all()
    blind = before.with_columns(y=pl.when(pl.col("step") == 2).then(None).otherwise("y"))
    assert all(v[1] == 0 for v in residual_vectors(blind, H)["vector"].to_list())
    mostly = before.with_columns(y=pl.when(pl.col("step") > 5).then(None).otherwise("y"))
    assert residual_vectors(mostly, H).is_empty()


def test_a_series_errs_as_those_of_its_size_do():
    rng = np.random.default_rng(7)
    small, large = (backtests(size * rng.normal(size=(3, 80, H)), level) for size, level in ((0.5, 1.0), (2.0, 1000.0)))
    before = pl.concat([small, large.with_columns(unique_id="L" + pl.col("unique_id"))])
    spread = [paths(ahead(1, level), before, 300).values.std() for level in (0.5, 2000.0)]
    assert spread[0] == pytest.approx(2 * 0.5, rel=0.25)
    assert spread[1] == pytest.approx(2 * 2.0, rel=0.1)


def test_what_cannot_be_drawn_is_refused():
    before = backtests(np.zeros((2, 3, 5)))
    with pytest.raises(ValueError, match="no past window"):
        paths(ahead(1), before.clear())
    with pytest.raises(ValueError, match="each step"):
        drawn(ahead(2, h=5).head(9), fit_error_pool(before, 5))
