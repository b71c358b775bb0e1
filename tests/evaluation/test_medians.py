"""The median moves away from yhat as far as this has paid where it was not learned."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.evaluation import intervals
from forecasting.evaluation.intervals import medians, shocks
from forecasting.evaluation.intervals.residuals import scaled_residuals

START = date(2024, 1, 7)
SKEW = 10 * (np.log(2) - 1)
"""Median less mean of an exponential distribution of mean 10."""


def window(errors, k=0, **columns):
    """One forecast of 100 for each series, in units of a scale of 1, all of one block."""
    n = len(errors)
    frame = pl.DataFrame({"unique_id": np.arange(n).astype(str), "y": 100 + np.asarray(errors)})
    fixed = {"model": pl.lit("m"), "grain": pl.lit("series"), "block": pl.lit(1, pl.Int32), "step": pl.lit(1)}
    fixed |= {"cutoff": pl.lit(START + timedelta(weeks=k)), "yhat": pl.lit(100.0), "scale": pl.lit(1.0)}
    fixed |= dict.fromkeys(("mase_scale", "rmsse_scale"), pl.lit(None, pl.Float64))
    return frame.with_columns(**fixed).with_columns(**columns)


def skewed(seed, n=600, mean=0.0):
    return np.random.default_rng(seed).exponential(10, n) - 10 + mean


def shift(*errors):
    """How far q50 lies from yhat after windows of these errors."""
    rows = pl.concat([window(e, k) for k, e in enumerate(errors)])
    found = intervals.add_bounds(window([0.0]), intervals.fit_quantiles(rows, (80, 95)), (80, 95))
    return found["q50"].item() - 100


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_a_skew_that_is_there_in_every_window_is_taken(windows):
    found = shift(*(skewed(seed) for seed in range(windows)))
    assert 0.6 * SKEW > found > 1.2 * SKEW  # of 120 errors in a band; a share of 3/4 may do as well


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_where_forecasts_are_too_low_a_lower_median_would_be_worse(windows):
    """Errors of the mean 8 and the median 5: the skew would take the median down by 3."""
    assert shift(*(skewed(seed, mean=8.0) for seed in range(windows))) == 0


def test_what_paid_thanks_to_the_shock_of_one_window_is_not_taken():
    """Errors of the mean -8: lower forecasts were better, but for another reason than their skew."""
    assert shift(skewed(0, mean=-8.0)) == 0


def test_a_skew_that_turns_from_window_to_window_is_not_taken():
    assert shift(skewed(0), -skewed(1)) == 0


def test_errors_without_skew_move_no_median():
    drawn = [np.random.default_rng(seed).normal(0, 10, 600) for seed in range(3)]
    assert abs(shift(*drawn)) < 0.5


def test_a_single_series_of_one_window_has_nothing_to_prove_a_correction_on():
    rows = window(skewed(0)).with_columns(unique_id=pl.lit("a"))
    assert intervals.fit_quantiles(rows, (80, 95)).filter(pl.col("block") == 1)["skew"].unique().to_list() == [0.0]


def test_the_share_is_that_of_least_absolute_errors_in_windows_left_out():
    """Against loops over windows and shares, with scales of their own and another floor in every row."""
    rng = np.random.default_rng(5)
    for case in range(6):
        errors = [rng.gamma(1 + case, 4, 200) - 4 * (1 + case) + rng.normal(0, 1.5) for _ in range(3)]
        scales = [rng.uniform(1, 3, 200) for _ in range(3)]
        parts = [
            window(e, k, scale=pl.Series(s)).with_columns(y=100 + pl.Series(e * s))
            for k, (e, s) in enumerate(zip(errors, scales, strict=True))
        ]
        rows = scaled_residuals(pl.concat(parts)).with_columns(band=pl.lit(0), least=pl.lit(-100.0))
        common = shocks.fit_shocks(rows)
        found = medians.fit_median_shifts(rows, common)["shift"].item()
        means = common.sort("cutoff")["shock"].to_list()
        turned = [e - 2 * m for e, m in zip(errors, means, strict=True)]
        every = np.concatenate(errors)
        shares = [best_share(tried, errors, scales) for tried in (errors, turned)]
        assert found == pytest.approx(min(shares) * (np.median(every) - every.mean()), abs=1e-9)


def best_share(tried, errors, scales):
    losses = {}
    for share in (0, 0.25, 0.5, 0.75, 1):
        losses[share] = 0
        for k in range(len(errors)):
            others = np.concatenate(errors[:k] + errors[k + 1 :])
            skew = np.median(others) - others.mean()
            losses[share] += (scales[k] * np.abs(tried[k] - share * skew)).sum()
    return min(losses, key=losses.get)
