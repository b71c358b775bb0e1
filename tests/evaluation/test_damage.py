"""Past forecasts against a backtest: what is expected at the same lags and what chance explains, worked out by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from forecasting.evaluation.damage import CERTAIN, judge, limits_of, newest_rows, tracking_signals

DAY = date(2024, 1, 1)


def forecast(cutoff: int, errors: list[float], y: float = 10.0, series: str = "a", **columns: object) -> pl.DataFrame:
    """A forecast of one series from a cutoff on: one row per error, blocks that end at steps 1 and 4."""
    steps = range(1, len(errors) + 1)
    rows = {
        "unique_id": series,
        "cutoff": DAY + timedelta(cutoff),
        "ds": [DAY + timedelta(cutoff + step) for step in steps],
        "step": list(steps),
        "block": [1 if step == 1 else 4 for step in steps],
        "y": y,
        "yhat": [y + error for error in errors],
        "segment": "all",
    }
    frame = pl.DataFrame(rows | columns, schema_overrides={"step": pl.Int32, "block": pl.Int32})
    return frame.with_columns(q50=pl.col("yhat")).with_columns(
        pl.lit(y - 2).alias("lo-80"), pl.lit(y + 2).alias("hi-80")
    )


# WAPE of the block of step 1: (1 + 1 + 1) / 30 = 10 %; of steps 2 to 4: (2 + 2 + 2 + 2 + 4 + 4 + 1 + 3 + 4) / 90
BACKTEST = [[1, 2, 2, 2], [1, 2, 4, 4], [1, 1, 3, 4]]


@pytest.fixture
def backtests() -> pl.DataFrame:
    return pl.concat(forecast(-20 * n, [float(e) for e in errors]) for n, errors in enumerate(BACKTEST, 1))


def test_what_is_expected_is_that_of_the_same_lags(backtests):
    row = judge(forecast(0, [2.0]), backtests, 80).row(0, named=True)
    assert (row["n"], row["wape"], row["expected"]) == (1, pytest.approx(0.2), pytest.approx(0.1))
    assert row["excess"] == pytest.approx(2.0)
    row = judge(forecast(0, [2.0, 6.0]), backtests, 80).row(0, named=True)
    assert row["expected"] == pytest.approx((0.1 * 10 + 24 / 90 * 10) / 20)
    assert row["excess"] == pytest.approx(8 / (1 + 24 / 9))


def test_stretches_of_the_backtest_are_as_long_as_what_is_judged(backtests):
    row = judge(forecast(0, [2.0, 6.0]), backtests, 80).row(0, named=True)
    expected = [[1 + 24 / 9, 48 / 9]] * 3
    excesses = np.array(
        [
            sum(e[i : i + 2]) / x
            for e, xs in zip(BACKTEST, expected, strict=True)
            for i, x in zip((0, 2), xs, strict=True)
        ]
    )
    assert row["worst"] == pytest.approx(excesses.max())
    log = np.log(excesses)
    sizes = np.array(BACKTEST).ravel()
    by_itself = sizes.std(ddof=1) / sizes.mean() / np.sqrt(2)
    deviation = max(log.std(ddof=1), by_itself)
    by_chance = np.exp(log.mean() + stats.t.ppf(0.99, 5) * deviation * np.sqrt(1 + 1 / 6))
    assert row["limit"] == pytest.approx(max(excesses.max(), min(by_chance, CERTAIN)))
    assert row["worst_bias"] == pytest.approx(8 / 20)
    assert row["worst_misses"] == 0.0  # y is in the middle of its interval


def test_a_day_is_within_the_interval_or_not(backtests):
    assert judge(forecast(0, [0.5, 0.5]), backtests, 80)["misses"].item() == 0.0
    outside = forecast(0, [0.5, 0.5]).with_columns(y=pl.Series([20.0, 10.0]))
    assert judge(outside, backtests, 80)["misses"].item() == 0.5


def test_a_segment_that_was_not_backtested_has_no_verdict(backtests):
    assert judge(forecast(0, [1.0], segment="new"), backtests, 80).is_empty()


def test_with_few_stretches_only_what_is_certain_counts():
    chance = pl.DataFrame({"segment": "all", "least": 0.01})
    one = pl.DataFrame({"segment": "all", "excess": [1.1], "bias": 0.0, "misses": 0.0})
    assert limits_of(one, chance)["limit"].item() == CERTAIN
    many = pl.DataFrame({"segment": "all", "excess": [0.98, 1.02] * 20, "bias": 0.0, "misses": 0.0})
    assert 1.02 < limits_of(many, chance)["limit"].item() < 1.1


def test_stretches_that_happen_to_be_alike_do_not_make_few_rows_certain():
    alike = pl.DataFrame({"segment": "all", "excess": [1.0, 1.01, 0.99, 1.0], "bias": 0.0, "misses": 0.0})
    limits = [
        limits_of(alike, pl.DataFrame({"segment": "all", "least": least}))["limit"].item() for least in (0.001, 0.1)
    ]
    assert limits[0] < 1.05
    assert limits[1] == pytest.approx(
        np.exp(np.log([1.0, 1.01, 0.99, 1.0]).mean() + 4.5407 * 0.1 * 1.25**0.5), rel=1e-4
    )


def test_the_tracking_signal_adds_the_days_errors_over_their_mean_size():
    two = pl.concat([forecast(0, [1.0, -3.0, 2.0]), forecast(1, [1.0, 4.0])])
    # days: 1; (-3 + 1) / 2 = -1; (2 + 4) / 2 = 3; together 3, their mean size 5 / 3
    assert tracking_signals(two, ["segment"])["tracking_signal"].item() == pytest.approx(3 / (5 / 3))


def test_a_week_at_least_is_judged_and_enough_rows():
    single = pl.concat(forecast(n, [1.0] * 4) for n in range(20))
    assert newest_rows(single, 1)["ds"].n_unique() == 9  # 1 + 2 + 3 + 4 * 6 = 30 rows
    assert newest_rows(pl.concat([single] * 20), 1)["ds"].n_unique() == 7
    assert newest_rows(pl.concat([single] * 40), 7)["ds"].n_unique() == 1
    assert newest_rows(single.head(3), 1).height == 3
