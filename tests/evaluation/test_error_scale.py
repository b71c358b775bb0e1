"""What boosters learn of the sizes of errors: who is hard to forecast, without believing what they learned by heart."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.evaluation import intervals
from forecasting.evaluation.intervals import error_scale
from forecasting.evaluation.intervals.residuals import scaled_residuals

LEVELS = (80, 95)
SERIES, STEPS = 120, 28


def rows(spread, seed=0, series=SERIES, **columns):
    """Forecasts of 100 with errors of the standard deviation `spread(series, step)`; every second series moves more
    from period to period than the others.
    """
    rng = np.random.default_rng(seed)
    ids, steps = np.repeat(np.arange(series), STEPS), np.tile(np.arange(STEPS), series)
    frame = pl.DataFrame({"unique_id": ids, "step": steps + 1}).with_columns(pl.col("unique_id").cast(pl.String))
    fixed = {"model": pl.lit("m"), "grain": pl.lit("series"), "block": pl.lit(7, pl.Int32), "scale": pl.lit(10.0)}
    fixed |= {"cutoff": pl.lit(date(2024, 6, 30)), "mase_scale": pl.lit(10.0), "yhat": pl.lit(100.0)}
    scale = pl.Series(100.0 * (1 + 8 * (ids % 4 >= 2)))
    error = pl.Series(rng.normal(0, spread(ids, steps)))
    return frame.with_columns(**fixed, rmsse_scale=scale, y=100 + error).with_columns(**columns)


def jumpy(ids, _):
    """Series that move more are missed by five times as much."""
    return np.where(ids % 4 >= 2, 25.0, 5.0)


def with_bounds(past, new):
    found = intervals.add_bounds(new.drop("y"), intervals.fit_quantiles(past, LEVELS), LEVELS)
    return new.join(found.select("unique_id", "step", "^(lo|hi)-.*$"), on=["unique_id", "step"])


def inside(found, level=80):
    return found.select(pl.col("y").is_between(f"lo-{level}", f"hi-{level}").mean()).item()


def width(found):
    return found.select((pl.col("hi-80") - pl.col("lo-80")).mean()).item()


def of_kind(found, *, hard):
    return found.filter((pl.col("rmsse_scale") > 100) == hard)


def test_what_is_hard_to_forecast_gets_wider_bounds_and_both_kinds_are_covered():
    found = with_bounds(rows(jumpy), rows(jumpy, seed=1))
    assert width(of_kind(found, hard=True)) > 3.5 * width(of_kind(found, hard=False))
    for hard in (True, False):
        assert 0.76 <= inside(of_kind(found, hard=hard)) <= 0.84


def test_without_them_the_easy_are_covered_too_often_and_the_hard_too_rarely():
    """As errors of one series they cannot be predicted from those of other series."""
    found = with_bounds(rows(jumpy).with_columns(unique_id=pl.lit("a")), rows(jumpy, seed=1))
    assert inside(of_kind(found, hard=True)) < 0.7
    assert inside(of_kind(found, hard=False)) > 0.9


def test_errors_further_ahead_are_told_apart_within_a_block():
    found = with_bounds(*(rows(lambda _, steps: 5.0 + steps, seed=s) for s in (0, 1)))
    near, far = found.filter(pl.col("step") <= 7), found.filter(pl.col("step") > 21)
    assert width(far) > 2 * width(near)
    assert 0.72 <= inside(near) <= 0.88
    assert 0.72 <= inside(far) <= 0.88


def test_noise_learned_by_heart_does_not_narrow_the_bounds():
    """How far each series is missed is drawn again for every window: boosters trained on it see small errors."""
    covered = []
    for seed in range(6):
        size = pl.Series(np.repeat(np.random.default_rng(seed).gamma(1, 100, SERIES), STEPS))
        chance = {"rmsse_scale": size, "mase_scale": size.reverse()}
        found = with_bounds(*(rows(drawn(10 * seed + s), seed=10 * seed + s, **chance) for s in (1, 2)))
        covered.append(inside(found, 95))
    assert np.mean(covered) >= 0.945


def drawn(seed):
    spread = np.random.default_rng(1000 + seed).lognormal(2, 1, SERIES)
    return lambda ids, _: spread[ids]


@pytest.mark.parametrize("window", ["shocks", "weekdays"])
def test_the_calendar_and_the_shocks_of_a_window_are_not_taken_for_the_horizon(window):
    """Days of which all series are missed alike, and a hard weekday that next comes three steps earlier."""
    covered = {"plain": [], "rescaled": []}
    for seed in range(4):
        past, new = (shaken(window, seed, late) for late in (0, 3))
        table = intervals.fit_quantiles(past, LEVELS)
        plain = intervals.fit_quantiles(past.with_columns(unique_id=pl.lit("a")), LEVELS)
        for name, quantiles in (("plain", plain), ("rescaled", table)):
            covered[name].append(inside(intervals.add_bounds(new, quantiles, LEVELS), 95))
    assert np.mean(covered["rescaled"]) >= np.mean(covered["plain"]) - 0.02


def shaken(window, seed, late):
    if window == "weekdays":
        return rows(lambda _, steps: np.where((steps + late) % 7 == 0, 40.0, 10.0), seed=2 * seed + bool(late))
    shock = np.random.default_rng(100 + 2 * seed + bool(late)).normal(0, 10, STEPS)
    calm = rows(lambda ids, _: np.full(ids.shape, 10.0), seed=2 * seed + bool(late))
    return calm.with_columns(y=pl.col("y") + pl.Series(np.tile(shock, SERIES)))


def test_whole_series_are_learned_from_in_whatever_order_they_come():
    """Every so many rows would be of the same steps in every series."""
    all_rows = scaled_residuals(rows(lambda _, steps: 5.0 + steps))
    past, mixed = (
        intervals.enough_series(r, STEPS * 40) for r in (all_rows, all_rows.sample(fraction=1.0, shuffle=True, seed=1))
    )
    assert past["unique_id"].value_counts()["count"].to_list() == [STEPS] * 40
    counts = all_rows.group_by("model", "grain", "cutoff", "unique_id").agg(rows=pl.len())
    counted = intervals.enough_series(counts, STEPS * 40, pl.col("rows").sum())
    assert set(counted["unique_id"]) == set(past["unique_id"])
    assert error_scale.fit_error_scale(past).equals(error_scale.fit_error_scale(mixed))
    found = with_bounds(past, rows(lambda _, steps: 5.0 + steps, seed=1))
    assert width(found.filter(pl.col("step") > 21)) > 1.7 * width(found.filter(pl.col("step") <= 7))


def test_one_oddity_does_not_rule():
    odd = rows(jumpy).with_columns(y=pl.when(pl.int_range(pl.len()) == 5).then(1e6).otherwise("y"))
    found = with_bounds(odd, rows(jumpy, seed=1))
    assert width(of_kind(found, hard=True)) > 2.5 * width(of_kind(found, hard=False))
    assert 0.75 <= inside(found) <= 0.85


def test_each_half_gets_its_scale_from_boosters_that_have_not_seen_it():
    """An error of one half changes the scale of the other half, and not that of its half."""
    before, ids = rows(jumpy), np.arange(SERIES * STEPS) // STEPS
    after = before.with_columns(y=pl.when(pl.Series(ids) == 2).then(pl.col("y") + 500).otherwise("y"))
    half = dict(before.select("unique_id", error_scale.HALF).unique().iter_rows())
    scales = []
    for found in (before, after):
        plain = scaled_residuals(found)
        scales.append(
            error_scale.rescale_residuals(plain, error_scale.fit_error_scale(plain)).select(
                "unique_id", "step", "scale"
            )
        )
    changed = scales[0].join(scales[1], on=["unique_id", "step"]).filter(pl.col("scale") != pl.col("scale_right"))
    assert changed.height
    assert {half[i] for i in changed["unique_id"]} == {1 - half["2"]}


@pytest.mark.parametrize(
    "past",
    [
        rows(jumpy, series=30),  # 420 errors in each half
        rows(jumpy).with_columns(y=pl.col("yhat")),
        rows(jumpy).with_columns(unique_id=pl.lit("a")),
    ],
    ids=["few", "faultless", "one series"],
)
def test_with_too_few_errors_the_size_stays(past):
    assert intervals.fit_quantiles(past, LEVELS)["widths"].null_count() == intervals.fit_quantiles(past, LEVELS).height


def test_other_models_and_grains_keep_their_scale():
    table = intervals.fit_quantiles(rows(jumpy), LEVELS)
    for other in ({"model": pl.lit("other")}, {"grain": pl.lit("total")}):
        new = rows(jumpy, seed=1, **other)
        assert_frame_equal(
            intervals.add_bounds(new, table, LEVELS), intervals.add_bounds(new, table.with_columns(widths=None), LEVELS)
        )


def test_rows_keep_their_order_and_their_scale():
    new = rows(jumpy, seed=1).sample(fraction=1.0, shuffle=True, seed=3)
    found = intervals.add_bounds(new, intervals.fit_quantiles(rows(jumpy), LEVELS), LEVELS)
    assert_frame_equal(found.select("unique_id", "step", "scale"), new.select("unique_id", "step", "scale"))


@pytest.mark.parametrize("lost", ["mase_scale", "rmsse_scale"])
def test_series_of_which_too_little_is_known_keep_their_size(lost):
    """New ones: trees that never met a gap would take it for 0."""
    table, new = intervals.fit_quantiles(rows(jumpy), LEVELS), rows(jumpy, seed=1, **{lost: pl.lit(None, pl.Float64)})
    assert_frame_equal(
        intervals.add_bounds(new, table, LEVELS), intervals.add_bounds(new, table.with_columns(widths=None), LEVELS)
    )


def test_a_table_says_the_same_after_a_file_and_an_older_one_still_answers(tmp_path):
    table, new = intervals.fit_quantiles(rows(jumpy), LEVELS), rows(jumpy, seed=1)
    table.write_parquet(tmp_path / "quantiles.parquet")
    again = pl.read_parquet(tmp_path / "quantiles.parquet")
    assert_frame_equal(intervals.add_bounds(new, again, LEVELS), intervals.add_bounds(new, table, LEVELS))
    older = intervals.add_bounds(new, table.drop("widths"), LEVELS)
    assert older["hi-80"].null_count() == 0
