"""Conformal intervals: the finite-sample rule, nesting, coverage, no leakage, the three rungs."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.evaluation import intervals
from forecasting.evaluation.metrics import naive_error_scales, score

LEVELS = (80, 95)
CUTOFF = date(2024, 6, 30)
FIXED = {"model": pl.lit("m"), "grain": pl.lit("series"), "block": pl.lit(7, pl.Int32), "scale": pl.lit(1.0)}
# one series: errors of one teach no boosters (see test_error_scale), so these are the plain quantiles
FIXED |= {"unique_id": pl.lit("a"), "step": pl.lit(1), "mase_scale": pl.lit(1.0), "rmsse_scale": pl.lit(1.0)}


def residuals(errors, cutoff=CUTOFF, **columns):
    """Rows whose forecast is 100 and whose error is given, in units of a scale of 1."""
    frame = pl.DataFrame({"y": 100.0 + np.asarray(errors, dtype=float)})
    constant = {k: v if isinstance(v, pl.Series) else pl.lit(v) for k, v in columns.items()}
    return frame.with_columns(**FIXED, cutoff=pl.lit(cutoff), yhat=pl.lit(100.0)).with_columns(**constant)


def forecast(yhat=(100.0,), **columns):
    frame = pl.DataFrame({"yhat": pl.Series(yhat, dtype=pl.Float64)})
    return frame.with_columns(**FIXED).with_columns(**{k.replace("_", "-"): v for k, v in columns.items()})


def bounds(rows, **columns):
    return intervals.add_bounds(forecast(**columns), intervals.fit_quantiles(rows, LEVELS), LEVELS).row(0, named=True)


EITHER_SIGN = [-1, 2, -3, 4, -5, 6, -7, 8, -9, 10]
"""Errors of the sizes 1 to 10 that have next to nothing in common."""


class TestRungs:
    def test_few_residuals_take_the_finite_sample_rank_of_all_absolute_ones(self):
        row = bounds(residuals(EITHER_SIGN))  # ceil(11 * 0.8) = 9th of 1..10; np.quantile would give 8.2
        assert (row["lo-80"], row["q50"], row["hi-80"]) == pytest.approx((91, 100, 109), abs=0.01)

    def test_a_level_that_too_few_residuals_carry_comes_from_the_model(self):
        own = {"lo_95": pl.lit(50.0), "hi_95": pl.lit(160.0)}
        row = bounds(residuals(EITHER_SIGN), **own)  # 95 % needs 19
        assert (row["lo-95"], row["hi-95"], row["interval"]) == (50, 160, "model")
        assert row["hi-80"] == pytest.approx(109, abs=0.01)

    @pytest.mark.parametrize(
        ("n", "label"), [(18, "model"), (19, "all horizons"), (99, "all horizons"), (100, "horizon block")]
    )
    def test_the_label_says_on_which_rung_a_row_stands(self, n, label):
        assert bounds(residuals(np.linspace(-5, 5, n)))["interval"] == label

    def test_another_block_pools(self):
        rows = residuals(np.linspace(-5, 5, 200))
        row = bounds(rows, block=pl.lit(14, pl.Int32))
        assert row["interval"] == "all horizons"
        assert row["hi-80"] == pytest.approx(104, abs=0.1)

    def test_another_model_or_grain_does_not(self):
        rows = residuals(np.linspace(-5, 5, 200))
        assert bounds(rows, model=pl.lit("other"))["interval"] == "model"
        assert bounds(rows, grain=pl.lit("total"))["interval"] == "model"

    def test_without_anything_a_normal_bound_of_the_mean_absolute_error(self):
        row = bounds(residuals([]))
        assert row["hi-95"] == pytest.approx(100 + 1.959964 * 1.253314, abs=1e-4)
        assert row["interval"] == "model"

    def test_signed_quantiles_follow_a_skew(self):
        two = pl.Series(["a", "b"] * 1000)  # what moves the median has to pay in the other half of the series
        errors = np.random.default_rng(0).exponential(10, 2000) - 10
        row = bounds(residuals(errors, unique_id=two).with_columns(mase_scale=pl.lit(None, pl.Float64)))
        assert row["lo-80"] == pytest.approx(100 - 10 + 10 * 0.105, abs=1)  # the 10 % and 90 % points of the law
        assert row["hi-80"] == pytest.approx(100 - 10 + 10 * 2.303, abs=2)
        assert row["q50"] == pytest.approx(100 - 10 + 10 * 0.693, abs=1)


def test_a_common_shock_may_come_with_the_other_sign():
    noise = np.random.default_rng(0).normal(0, 1, 400)
    row = bounds(residuals(noise + 5))
    assert row["hi-80"] > 105
    assert row["lo-80"] < 95
    assert row["q50"] == pytest.approx(100, abs=0.2)  # the bias of one window is not taken for a bias of the model


def test_bands_of_volume_have_other_widths():
    rng, yhat = np.random.default_rng(0), np.repeat([1.0, 10.0, 100.0], 300)
    noise = rng.normal(0, 1, 900) * np.where(yhat == 10, 5, 1)
    rows = residuals(noise).with_columns(yhat=pl.Series(yhat), y=pl.Series(yhat + noise))
    found = intervals.add_bounds(forecast([0.5, 10.0, 20.0, 5000.0]), intervals.fit_quantiles(rows, LEVELS), LEVELS)
    width = (found["hi-80"] - found["lo-80"]).to_numpy()
    assert width[1] > 3 * width[0]
    assert width[1] == width[2]  # up to the next band's floor
    assert width[3] == pytest.approx(width[0], rel=0.3)


numbers = st.floats(-1e4, 1e4, allow_nan=False)


@given(
    errors=st.lists(numbers, max_size=250),
    yhat=st.lists(st.floats(0, 1e4), min_size=1, max_size=20),
    own=st.lists(numbers, min_size=4, max_size=4),
    scale=st.floats(1e-3, 1e3),
    y_min=st.sampled_from([None, 0.0, 5.0]),
)
def test_bounds_are_nested_above_the_floor_and_zero_when_closed(errors, yhat, own, scale, y_min):
    sides = dict(zip(("lo_80", "hi_80", "lo_95", "hi_95"), map(pl.lit, own), strict=True))
    closed = pl.int_range(pl.len()) % 3 == 2
    rows = forecast(yhat, scale=pl.lit(scale), closed=closed, **sides)
    found = intervals.add_bounds(rows, intervals.fit_quantiles(residuals(errors), LEVELS), LEVELS, y_min)
    assert found["yhat"].to_list() == yhat
    chain = ["lo-95", "lo-80", "q50", "hi-80", "hi-95"]
    for low, high in pairwise(chain):
        assert (found[low] <= found[high]).all()
    shut = found.filter("closed").select(chain)
    assert shut.sum().row(0) == (0, 0, 0, 0, 0)
    if y_min is not None:
        assert found.filter(~pl.col("closed"))["lo-95"].ge(y_min).all()


def inside(found, level):
    """The share of rows between their bounds."""
    return found.select(pl.col("y").is_between(pl.col(f"lo-{level}"), pl.col(f"hi-{level}")).mean()).item()


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_one_new_value_is_covered_as_promised_by_few_exchangeable_residuals(seed):
    """Marginal coverage of the pooled rung is at least nominal, for any law: here 400 models with 24 residuals each."""
    models, n = 400, 24
    draws = np.random.default_rng(seed).standard_t(2, (models, n + 1)) ** 3
    names = pl.Series(np.repeat(np.arange(models), n).astype(str))
    past = residuals(draws[:, :n].ravel(), model=names)
    new = residuals(draws[:, n], model=pl.Series(np.arange(models).astype(str)))
    found = intervals.add_bounds(new, intervals.fit_quantiles(past, LEVELS), LEVELS)
    assert set(found["interval"]) == {"all horizons"}
    for level in LEVELS:
        p, slack = level / 100, 4 * np.sqrt(level * (100 - level) / 1e4 / models)
        assert p - slack <= inside(found, level) <= p + 1 / (n + 1) + slack


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_blocks_cover_exchangeable_data(seed):
    rng = np.random.default_rng(seed)
    law = rng.gamma(2, 3, 120 * 40) - 6
    names = pl.Series(np.repeat(np.arange(40), 120).astype(str))
    past = residuals(law, model=names)
    new = residuals(rng.gamma(2, 3, 50 * 40) - 6, model=pl.Series(np.repeat(np.arange(40), 50).astype(str)))
    found = intervals.add_bounds(new, intervals.fit_quantiles(past, LEVELS), LEVELS)
    assert set(found["interval"]) == {"horizon block"}
    assert 0.75 <= inside(found, 80) <= 0.87
    assert 0.92 <= inside(found, 95) <= 0.985


def windows(n=5, h=7, series=30, seed=0):
    """Backtests of `n` windows, one after the other, with noisy forecasts."""
    rng, rows = np.random.default_rng(seed), []
    for k in range(n):
        cutoff = CUTOFF + timedelta(days=h * (k - n + 1))
        errors = rng.normal(0, 1 + k, series * h)
        days = pl.Series([cutoff + timedelta(days=1 + i % h) for i in range(series * h)])
        rows.append(residuals(errors, cutoff).with_columns(ds=days))
    return pl.concat(rows)


def test_known_are_the_newest_windows_that_have_ended():
    rows = windows()
    ended = intervals.newest_windows(rows, CUTOFF, 2)
    assert sorted(set(ended["cutoff"])) == [CUTOFF - timedelta(days=14), CUTOFF - timedelta(days=7)]
    assert ended["ds"].max() == CUTOFF
    assert intervals.newest_windows(rows, CUTOFF + timedelta(days=6), 2).equals(ended)  # the newest window lacks a day
    assert intervals.newest_windows(rows, CUTOFF + timedelta(days=7), 1)["cutoff"].unique().to_list() == [CUTOFF]
    assert intervals.newest_windows(rows, CUTOFF - timedelta(days=90), 2).is_empty()


def test_all_windows_count_however_many_errors_one_holds():
    rows = windows(series=143)  # 1,001 errors in each
    kept = intervals.newest_windows(rows, CUTOFF + timedelta(days=7), 4)
    assert kept["cutoff"].n_unique() == 4


@given(st.integers(-40, 7), st.integers(1, 4))
def test_nothing_after_the_cutoff_changes_a_bound(days, k):
    cutoff, rows = CUTOFF + timedelta(days=days), windows()
    spoiled = rows.with_columns(
        y=pl.when(pl.col("ds") > cutoff).then(1e6).otherwise("y"),
        yhat=pl.when(pl.col("ds") > cutoff).then(-1e6).otherwise("yhat"),
    )
    honest, other = (intervals.fit_quantiles(intervals.newest_windows(r, cutoff, k), LEVELS) for r in (rows, spoiled))
    assert honest.equals(other)


def test_closed_and_unobserved_days_teach_nothing():
    rows = residuals([1.0, 2.0, 3.0, 4.0, 5.0]).with_columns(closed=pl.lit(value=False))
    noise = residuals([1000.0]).with_columns(closed=pl.lit(value=True))
    blind = residuals([1.0]).with_columns(closed=pl.lit(value=False), y=pl.lit(None, pl.Float64))
    assert intervals.fit_quantiles(pl.concat([rows, noise, blind]), LEVELS).equals(
        intervals.fit_quantiles(rows, LEVELS)
    )


class TestScale:
    @staticmethod
    def of(**columns):
        row = {"yhat": 10.0, "season_error": 4.0, "step_error": 3.0, "size": 10.0} | columns
        frame = pl.DataFrame(row, schema_overrides=dict.fromkeys(row, pl.Float64))
        return frame.select(intervals.expected_error()).item()

    def test_at_the_mean_it_is_the_geometric_mean_of_both_errors(self):
        assert self.of() == pytest.approx((4 * 3) ** 0.5)

    def test_it_grows_with_the_forecast_and_with_the_unit(self):
        assert self.of(yhat=0.0) < self.of() < self.of(yhat=100.0)
        grown = self.of(yhat=1e4, season_error=4e3, step_error=3e3, size=1e4)
        assert grown == pytest.approx(1000 * self.of())

    @pytest.mark.parametrize("missing", [None, 0.0])
    def test_it_is_positive_whatever_is_missing(self, missing):
        assert self.of(season_error=missing) == pytest.approx(3)
        assert self.of(step_error=missing) == pytest.approx(4)
        assert self.of(season_error=missing, step_error=missing) == pytest.approx(10**0.5)
        assert self.of(season_error=missing, step_error=missing, size=missing, yhat=0.0) == 1


def test_a_series_is_measured_by_its_near_past_and_by_all_of_it_where_that_stood_still():
    every = pl.DataFrame(
        {"unique_id": ["a", "b"], "mase_scale": [4.0, 4.0], "rmsse_scale": [9.0, 9.0], "mean": [5.0, 5.0]}
    ).with_columns(pairs=12)
    near = pl.DataFrame(
        {"unique_id": ["a", "b"], "mase_scale": [2.0, 0.0], "rmsse_scale": [16.0, None], "mean": [3.0, 0.0]}
    ).with_columns(pairs=12)
    found = intervals.series_scales(every, near, 12).rows()
    assert found == [("a", 2.0, 4.0, 3.0), ("b", 4.0, 3.0, 5.0)]


def test_the_error_of_a_season_comes_in_slowly_as_pairs_become_known():
    """A steep line: one season ahead it is off by 12 steps, which the first few pairs must not bring at once."""
    line = pl.DataFrame({"unique_id": "a", "ds": range(26), "y": [10.0 * t for t in range(26)]})
    scales = []
    for length in range(11, 27):
        measured = naive_error_scales(line.head(length), 12)
        scales.append(intervals.series_scales(measured, measured, 12)["season_error"].item() or 10.0)
    assert scales[0] == scales[1] == 10.0
    assert scales[-1] == pytest.approx(120)
    assert max(b / a for a, b in pairwise(scales)) < 1.25


@pytest.mark.parametrize(
    ("name", "season", "recent", "h"),
    [("m5_store_dept/sales_daily", 7, 28, 28), ("carparts/sales_monthly", 12, 12, 6)],
)
def test_real_sales_are_covered_in_every_class_of_volume(shared, name, season, recent, h):
    """A mean of recent sales, bounds from the two windows before: department sums by day, spare parts by month."""
    panel = (
        pl.read_parquet(shared / f"{name}.parquet", columns=["unique_id", "ds", "y"])
        .drop_nulls()
        .cast({"y": pl.Float64})
    )
    days = panel["ds"].unique().sort().to_list()
    rows = pl.concat(recent_means(panel, days, k, (season, recent, h)) for k in range(1, 6))
    parts = [covered(rows, days[-1 - k * h]) for k in (1, 2, 3)]
    found = pl.concat(parts)
    by_class = score(found, ["volume"]).filter(pl.col("metric") == "coverage-80")["value"]
    assert 0.76 <= values(found)["coverage-80"] <= 0.87
    assert 0.92 <= values(found)["coverage-95"] <= 0.98
    assert by_class.len() == 3
    assert by_class.is_between(0.70, 0.92).all()


def recent_means(panel, days, k, sizes):
    season, recent, h = sizes
    cutoff, steps = days[-1 - k * h], {day: i + 1 for i, day in enumerate(days[len(days) - k * h :][:h])}
    history = panel.filter(pl.col("ds") <= cutoff)
    level = history.filter(pl.col("ds") > days[-1 - k * h - recent]).group_by("unique_id").agg(yhat=pl.col("y").mean())
    ahead = panel.filter(pl.col("ds").is_in(list(steps))).join(level, on="unique_id")
    measured = naive_error_scales(history, season)
    both = measured.join(intervals.series_scales(measured, measured, season), on="unique_id")
    rows = ahead.join(both, on="unique_id").with_columns(cutoff=pl.lit(cutoff), scale=intervals.expected_error())
    step = pl.col("ds").replace_strict(steps, return_dtype=pl.Int32)
    fixed = {"model": pl.lit("m"), "grain": pl.lit("series")}
    named = rows.with_columns(block=(step > h // 4).cast(pl.Int32), step=step, **fixed)
    return named.with_columns(volume=pl.col("mean").rank().qcut(3, labels=["small", "middle", "large"]).cast(pl.String))


def covered(rows, cutoff):
    quantiles = intervals.fit_quantiles(intervals.newest_windows(rows, cutoff, 2), LEVELS, 0.0)
    return intervals.add_bounds(rows.filter(pl.col("cutoff") == cutoff), quantiles, LEVELS, 0.0)


def values(frame):
    return dict(score(frame).select("metric", "value").rows())


OWN = {"q50": 3.0, "lo-80": 1.0, "hi-80": 7.0, "lo-95": 0.5, "hi-95": 9.0}


class TestNewSeries:
    """Cold starts: rows that were forecast from similar series, with their bounds."""

    def new(self, **own):
        row = residuals([0.0]).drop("y").with_columns(cold_start=pl.lit(value=True))
        return row.with_columns(pl.lit(value).cast(pl.Float64).alias(c) for c, value in (OWN | own).items())

    def test_their_own_bounds_stay_whatever_the_errors_of_others(self):
        past = intervals.fit_quantiles(residuals(np.arange(-200.0, 200.0)), LEVELS)
        other = self.new().with_columns(cold_start=pl.lit(value=False))
        found = intervals.add_bounds(pl.concat([self.new(), other]), past, LEVELS)
        assert found["interval"].to_list() == ["cold start", "horizon block"]
        assert found.select(*OWN).row(0, named=True) == OWN
        assert found["hi-95"][1] > 100

    def test_without_bounds_of_their_own_they_are_as_wide_as_a_normal_error(self):
        past = intervals.fit_quantiles(residuals(np.arange(-200.0, 200.0)), LEVELS)
        found = intervals.add_bounds(self.new(**dict.fromkeys(OWN)), past, LEVELS)
        bare = intervals.add_bounds(residuals([0.0]).drop("y"), past.clear(), LEVELS)
        assert found["interval"].to_list() == ["model"]
        assert found.select("q50", "lo-80", "hi-95").equals(bare.select("q50", "lo-80", "hi-95"))

    def test_their_errors_teach_nothing_of_others(self):
        rows = residuals(np.arange(-200.0, 200.0)).with_columns(cold_start=pl.lit(value=False))
        wild = residuals([1e4] * 100).with_columns(cold_start=pl.lit(value=True))
        assert intervals.fit_quantiles(pl.concat([rows, wild]), LEVELS).equals(intervals.fit_quantiles(rows, LEVELS))

    def test_an_aggregate_of_new_series_alone_may_err_by_its_size(self):
        assert TestScale.of(season_error=None, step_error=None, size=None, yhat=2000.0) == 2000
