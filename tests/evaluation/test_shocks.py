"""Windows as clusters: bounds hold in windows to come, whose common shock nobody has seen."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from forecasting.evaluation import intervals
from forecasting.evaluation.intervals import shocks
from forecasting.evaluation.intervals.residuals import scaled_residuals

LEVELS = (80, 95)
START = date(2024, 1, 7)
SERIES, STEPS = 60, 6


def window(errors, k=0):
    """Forecasts of 100 in units of a scale of 1, two steps a block; errors are (series, steps)."""
    n, steps = errors.shape
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat(np.arange(n), steps).astype(str),
            "step": np.tile(np.arange(1, steps + 1), n),
            "y": 100 + errors.ravel(),
        }
    )
    fixed = {"model": pl.lit("m"), "grain": pl.lit("series"), "yhat": pl.lit(100.0), "scale": pl.lit(1.0)}
    fixed |= dict.fromkeys(("mase_scale", "rmsse_scale"), pl.lit(None, pl.Float64))  # no boosters
    block = ((pl.col("step") + 1) // 2 * 2).cast(pl.Int32)
    return frame.with_columns(**fixed, block=block, cutoff=pl.lit(START + timedelta(weeks=k)))


def drawn(rng, spread):
    """Errors of one window: what each series has of its own, with a standard deviation of 1, and one common shock."""
    return rng.normal(0, 1, (SERIES, STEPS)) + rng.normal(0, spread)


def shaken(windows, spread, seeds):
    """Coverage of both levels in a new window, exactly, as its law is known, and widths over the best ones: means.

    Every seed is a model of its own: bounds are learned of each apart.
    """
    rngs = [np.random.default_rng([seed, windows, int(100 * spread)]) for seed in range(seeds)]
    past = pl.concat(of_models(np.stack([drawn(rng, spread) for rng in rngs]), k) for k in range(windows))
    new = of_models(np.zeros((seeds, 1, STEPS)))
    found = intervals.add_bounds(new, intervals.fit_quantiles(past, LEVELS), LEVELS)
    assert set(found["interval"]) == {"horizon block"}
    sides = [(found[f"lo-{n}"].to_numpy() - 100, found[f"hi-{n}"].to_numpy() - 100) for n in LEVELS]
    sigma = np.sqrt(1 + spread**2)
    best = [2 * sigma * norm.ppf(0.5 + n / 200) for n in LEVELS]
    covered = [(norm.cdf(hi / sigma) - norm.cdf(lo / sigma)).mean() for lo, hi in sides]
    return *covered, *((hi - lo).mean() / wide for wide, (lo, hi) in zip(best, sides, strict=True))


def of_models(errors, k=0):
    """One window of several models; errors are (models, series, steps)."""
    models, series, steps = errors.shape
    rows = window(errors.reshape(-1, steps), k)
    return rows.with_columns(model=pl.Series(np.repeat(np.arange(models), series * steps)).cast(pl.String))


@pytest.mark.slow
@pytest.mark.parametrize("windows", [1, 2, 3, 5])
def test_new_windows_are_covered_as_promised_whatever_their_shocks(windows):
    """For shocks from none to one half of what series have of their own, within 2 points."""
    for spread in (0.0, 0.25, 0.5):
        at_80, at_95, *_ = shaken(windows, spread, 100)
        assert at_80 == pytest.approx(0.80, abs=0.02)
        assert at_95 == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("windows", [2, 5])
def test_shocks_as_large_as_all_else_are_covered_too(windows):
    at_80, at_95, *_ = shaken(windows, 1.0, 150)
    assert at_80 == pytest.approx(0.80, abs=0.03)
    assert at_95 == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("windows", [1, 2, 3, 5])
def test_without_shocks_bounds_are_hardly_wider_than_the_best_ones(windows):
    *_, at_80, at_95 = shaken(windows, 0.0, 30)
    assert at_80 == pytest.approx(1.0, abs=0.04)
    assert at_95 == pytest.approx(1.0, abs=0.05)  # the finite-sample rank of 120 errors is part of it


def test_shock_spread_and_freedom_by_hand():
    """Two windows of the means 1 and 3, of four series each that are 1 off to either side."""
    apart = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    rows = scaled_residuals(pl.concat([window(apart + 1), window(apart + 3, 1)]))
    found = shocks.fit_shocks(rows)
    chance = 4 * 1 / 4**2 * 4 / 3  # the variance of a mean of four: of residuals -1, 1, -1, 1 divided by three
    variance = (1 + 9) / 2 - chance
    noise = np.pi / 2  # a normal distribution of this mean absolute deviation
    assert found["shock"].to_list() == pytest.approx([1, 3], abs=1e-9)
    assert found["spread"].to_list() == pytest.approx([variance**0.5] * 2)
    assert found["freedom"].to_list() == pytest.approx([2 / (variance / (variance + noise)) ** 2] * 2)


def test_what_chance_alone_makes_of_a_mean_is_no_shock():
    rng = np.random.default_rng(0)
    rows = pl.concat([window(rng.normal(0, 1, (4000, STEPS)), k) for k in range(3)])
    found = shocks.fit_shocks(scaled_residuals(rows))
    assert found["spread"].max() < 0.03
    assert found["freedom"].min() > 1e5


def test_few_windows_borrow_from_the_other_blocks():
    """One window in which a single block was hit: its spread is drawn towards that of all, and theirs towards it."""
    errors = np.random.default_rng(0).normal(0, 1, (500, STEPS)) + np.array([0, 0, 0, 0, 2, 2])
    found = shocks.fit_shocks(scaled_residuals(window(errors)))
    near, _, far = found["spread"]
    assert 1.5 < far < 1.9  # half of 4, half of 4 / 3: 1.63
    assert 0.7 < near < 0.95  # half of 4 / 3: 0.82


def test_one_slip_of_the_keyboard_is_no_shock():
    errors = np.random.default_rng(0).normal(0, 1, (100, STEPS))
    errors[0, 0] = 1e6
    assert shocks.fit_shocks(scaled_residuals(window(errors)))["shock"].abs().max() < 0.5


def test_widening_is_that_of_students_tables():
    """t(0.975) with 2 and 10 degrees of freedom is 4.303 and 2.228, the normal point 1.960."""
    assert shocks.widening(pl.Series([2.0, 10.0]), 0.975).to_list() == pytest.approx([4.303 / 1.96, 2.228 / 1.96], 1e-3)


def test_nodes_have_mean_0_and_variance_1():
    assert np.mean(shocks.NODES) == 0
    assert np.var(shocks.NODES) == pytest.approx(1, abs=1e-3)
    points = norm.ppf([1 / 8, 3 / 8, 5 / 8, 7 / 8])
    assert list(shocks.NODES) == pytest.approx(list(points / np.std(points)), abs=1e-3)


def test_the_order_of_rows_does_not_matter_to_the_last_digit_of_a_table():
    rng = np.random.default_rng(0)
    rows = pl.concat([window(drawn(rng, 0.5), k) for k in range(3)])
    table = intervals.fit_quantiles(rows, LEVELS)
    assert table.equals(intervals.fit_quantiles(rows, LEVELS))
    mixed = intervals.fit_quantiles(rows.sample(fraction=1.0, shuffle=True, seed=1), LEVELS)
    assert mixed["hi-95"].to_list() == pytest.approx(table["hi-95"].to_list())
