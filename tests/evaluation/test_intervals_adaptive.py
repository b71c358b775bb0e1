"""Levels that follow the coverage of past windows; the floor; a model's median."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecasting.evaluation import intervals
from forecasting.evaluation.intervals.adaptive import FEWEST, FURTHEST, STEP

LEVELS = (80, 95)
FIRST = date(2024, 1, 1)


def window(k, inside, n=FEWEST, **columns):
    """A window of n rows of which the share `inside` fell between bounds of -1 and 1."""
    day = FIRST + timedelta(days=7 * k)
    frame = pl.DataFrame({"y": np.where(np.arange(n) < round(inside * n), 0.0, 9.0)})
    sides = {f"{side}-{level}": pl.lit(sign) for side, sign in (("lo", -1.0), ("hi", 1.0)) for level in LEVELS}
    fixed = {
        "model": pl.lit("m"),
        "grain": pl.lit("series"),
        "cutoff": pl.lit(day),
        "interval": pl.lit("horizon block"),
    }
    ds = pl.lit(day + timedelta(days=7))
    return frame.with_columns(**fixed, **sides, ds=ds).with_columns(**columns)


def alpha(rows, level=80):
    found = intervals.adapt_alphas(rows, LEVELS)
    return found[f"alpha-{level}"].item() if found.height else None


def test_alpha_is_what_stepping_from_window_to_window_gives():
    shares = [0.9, 0.75, 0.82]
    state = 0.2
    for share in shares:
        state += STEP * (0.2 - (1 - share))  # Gibbs & Candes 2021, equation 2
    assert alpha(pl.concat([window(k, s) for k, s in enumerate(shares)])) == pytest.approx(state)


def test_windows_that_held_what_they_promised_change_nothing():
    assert alpha(window(0, 0.8)) == pytest.approx(0.2)
    assert alpha(window(0, 0.95), 95) == pytest.approx(0.05)


def test_each_window_is_judged_by_the_bounds_that_the_others_of_its_model_give():
    """One table of all windows and models says what a table for each of them says."""
    rng = np.random.default_rng(5)
    keys = {"grain": "series", "block": 7, "unique_id": "a", "step": 1, "scale": 1.0, "mase_scale": 1.0}
    keys |= {"rmsse_scale": 1.0, "yhat": 3.0}
    sizes = {("A", 0): 1.0, ("A", 1): 2.0, ("A", 2): 1.5, ("B", 1): 1.0, ("B", 2): 3.0, ("C", 0): 1.0}
    windows = {
        (model, k): pl.DataFrame({"y": np.maximum(3 + size * rng.standard_t(4, 250), 0)}).with_columns(
            model=pl.lit(model), cutoff=pl.lit(FIRST + timedelta(7 * k)), **{c: pl.lit(v) for c, v in keys.items()}
        )
        for (model, k), size in sizes.items()
    }
    judged = []
    for (model, k), rows in windows.items():
        others = [frame for (name, at), frame in windows.items() if name == model and at != k]
        if others:
            judged.append(intervals.add_bounds(rows, intervals.fit_quantiles(pl.concat(others), LEVELS, 0), LEVELS, 0))
    together = pl.concat(windows.values())
    alphas = intervals.adapt_alphas(pl.concat(judged), LEVELS)
    assert alphas.filter(pl.col("alpha-80") != 0.2)["model"].to_list() == ["A", "B"]
    expected = intervals.fit_quantiles(together, LEVELS, 0, alphas)
    assert_frame_equal(intervals.fit_adapted_quantiles(together, LEVELS, 0), expected, check_exact=True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_alpha_stays_within_its_limits_and_answers_the_gap(shares):
    found = alpha(pl.concat([window(k, s) for k, s in enumerate(shares)]))
    assert 0.2 * (1 - FURTHEST) - 1e-9 <= found <= 0.2 * (1 + FURTHEST) + 1e-9
    gap = sum(round(s * FEWEST) / FEWEST - 0.8 for s in shares)
    assert (found - 0.2) * gap >= -1e-9


def test_few_rows_bounds_of_models_closed_and_unobserved_days_tell_nothing():
    assert alpha(window(0, 0.5, n=FEWEST - 1)) is None
    assert alpha(window(0, 0.5, interval=pl.lit("model"))) is None
    assert alpha(window(0, 0.5, interval=pl.lit("cold start"))) is None
    honest = window(0, 0.8)
    shut = window(0, 0.0).with_columns(closed=pl.lit(value=True))
    blind = window(0, 0.0).with_columns(y=pl.lit(None, pl.Float64))
    assert alpha(pl.concat([honest, blind])) == pytest.approx(0.2)
    assert alpha(pl.concat([honest.with_columns(closed=pl.lit(value=False)), shut])) == pytest.approx(0.2)


def test_levels_and_rows_that_never_had_bounds_keep_what_they_promise():
    rows = window(0, 0.5).drop("lo-95", "hi-95")
    assert alpha(rows, 95) == pytest.approx(0.05)
    assert intervals.adapt_alphas(rows.drop("interval"), LEVELS).is_empty()


@given(st.integers(-30, 40))
def test_only_windows_that_were_over_count(days):
    rows = pl.concat([window(k, s) for k, s in enumerate([0.9, 0.6, 0.7, 1.0])])
    cutoff = FIRST + timedelta(days=days)
    spoilt = rows.with_columns(y=pl.when(pl.col("ds") > cutoff).then(1e6).otherwise("y"))
    honest, other = (intervals.adapt_alphas(intervals.finished_windows(r, cutoff), LEVELS) for r in (rows, spoilt))
    assert honest.equals(other)
    assert honest.is_empty() == (days < 7)


def residuals(y, yhat, **columns):
    fixed = {"model": pl.lit("m"), "grain": pl.lit("series"), "block": pl.lit(1, pl.Int32), "cutoff": pl.lit(FIRST)}
    frame = pl.DataFrame({"y": y, "yhat": yhat}, schema_overrides={"y": pl.Float64, "yhat": pl.Float64})
    fixed |= {"unique_id": pl.int_range(pl.len()).cast(pl.String), "step": pl.lit(1)}
    fixed |= dict.fromkeys(("scale", "mase_scale", "rmsse_scale"), pl.lit(1.0))
    return frame.with_columns(**fixed).with_columns(**columns)


def inside(found, level=80):
    return found.select(pl.col("y").is_between(pl.col(f"lo-{level}"), pl.col(f"hi-{level}")).mean()).item()


def test_a_larger_alpha_narrows_every_bound():
    rows = residuals(100 + np.random.default_rng(0).normal(size=2000), np.full(2000, 100.0))
    widths = []
    for share in (0.1, 0.2, 0.3):
        moved = pl.DataFrame({"model": "m", "grain": "series", "alpha-80": share, "alpha-95": 0.05})
        found = intervals.add_bounds(rows, intervals.fit_quantiles(rows, LEVELS, None, moved), LEVELS)
        assert inside(found) == pytest.approx(1 - share, abs=0.01)
        assert inside(found, 95) == pytest.approx(0.95, abs=0.01)
        widths.append((found["hi-80"] - found["lo-80"]).mean())
    assert widths == sorted(widths, reverse=True)


def test_rare_sellers_are_covered_as_promised_and_not_more():
    """Poisson sales of 0.05 to 1 a period, most of them 0, forecast by a mean that is 5 % too high."""
    rng = np.random.default_rng(1)
    rate = rng.uniform(0.05, 1.0, (2, 6000))
    past, new = (residuals(rng.poisson(r).astype(float), r * 1.05) for r in rate)
    found = intervals.add_bounds(new, intervals.fit_quantiles(past, LEVELS, 0.0), LEVELS, 0.0)
    assert inside(found) == pytest.approx(0.80, abs=0.05)  # a bound of counts leaps from one to the next
    assert inside(found, 95) == pytest.approx(0.95, abs=0.03)
    assert found.select(pl.min_horizontal("lo-95", "lo-80", "q50").min()).item() == 0
    assert (found["q50"].is_between(found["lo-80"], found["hi-80"])).all()


def test_a_shock_that_is_turned_round_sells_nothing_below_the_floor():
    """Sales doubled, all of a sudden; the other way round they would have been 0 and not negative."""
    rng = np.random.default_rng(2)
    past = residuals(2 + rng.uniform(0, 1, 400), np.full(400, 1.0))
    lowest = []
    for y_min in (0.0, None):
        table = intervals.fit_quantiles(past, LEVELS, y_min)
        lowest.append(intervals.add_bounds(past, table, LEVELS, y_min)["lo-95"].min())
    assert lowest[0] == 0
    assert lowest[1] < -0.5


class TestOwnMedian:
    ROWS = residuals(100 + np.random.default_rng(3).exponential(10, 2000) - 10, np.full(2000, 100.0))

    def of(self, **columns):
        table = intervals.fit_quantiles(self.ROWS, LEVELS)
        return intervals.add_bounds(self.ROWS.head(1).with_columns(**columns), table, LEVELS).row(0, named=True)

    def test_it_stands_instead_of_the_skew(self):
        assert self.of(q50=pl.lit(97.5))["q50"] == 97.5

    def test_where_it_is_missing_the_skew_answers(self):
        assert self.of(q50=pl.lit(None, pl.Float64)) == self.of()
        assert self.of()["q50"] == pytest.approx(100 - 10 + 10 * np.log(2), abs=1)

    @pytest.mark.parametrize("median", [-1e3, 1e6])
    def test_one_outside_the_bounds_moves_into_the_narrowest_and_not_they_to_it(self, median):
        row, usual = self.of(q50=pl.lit(median)), self.of()
        assert row["q50"] == (row["lo-80"] if median < 0 else row["hi-80"])
        assert [row[c] for c in row if c[:2] in ("lo", "hi")] == [usual[c] for c in usual if c[:2] in ("lo", "hi")]


@given(st.lists(st.sampled_from([50, 80, 90, 95, 99]), min_size=1, max_size=5, unique=True), st.integers(0, 500))
def test_bounds_grow_with_the_level_in_whatever_order_it_was_asked_for(levels, n):
    rows = residuals(np.random.default_rng(n).exponential(1, n), np.ones(n))
    found = intervals.add_bounds(residuals([0.0], [1.0]), intervals.fit_quantiles(rows, levels, 0.0), levels, 0.0)
    row = found.row(0, named=True)
    chain = [row[f"lo-{k}"] for k in sorted(levels, reverse=True)] + [row["q50"]]
    chain += [row[f"hi-{k}"] for k in sorted(levels)]
    assert chain == sorted(chain)
    assert chain[0] >= 0
