"""Weights of a combination: against brute force, and what shrinkage must do."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.evaluation.ensemble_weights import all_series, fit_weights
from forecasting.evaluation.ensemble_weights import errors as sides

START = date(2024, 1, 1)


@pytest.fixture(autouse=True)
def independent_series(monkeypatch):
    """The rows drawn here share nothing within a window."""
    monkeypatch.setattr(sides, "SHARED", 0.0)


def past(errors, series=40, steps=14, seed=1):
    """Backtest rows of models whose errors are given by a function of (rng, size): y is 100."""
    rng = np.random.default_rng(seed)
    frames = []
    for model, draw in errors.items():
        e = draw(rng, series * steps)
        frames.append(
            pl.DataFrame(
                {
                    "unique_id": np.repeat([f"s{i:04d}" for i in range(series)], steps),
                    "ds": [START + timedelta(days=k + 1) for k in range(steps)] * series,
                    "step": list(range(1, steps + 1)) * series,
                    "y": 100.0,
                    "yhat": 100.0 + e,
                }
            ).with_columns(cutoff=pl.lit(START), model=pl.lit(model), rmsse_scale=pl.lit(1.0), closed=pl.lit(False))
        )
    return pl.concat(frames)


def homes(rows, segment=lambda name: "smooth/A"):
    ids = rows["unique_id"].unique().sort()
    return pl.DataFrame({"unique_id": ids, "segment": [segment(i) for i in ids]})


def found(frame, segment="all", weight="weight"):
    """The weights of a segment by member: the mean of its groups of steps."""
    rows = frame.filter(segment=segment).group_by("model", maintain_order=True).agg(pl.col(weight).mean())
    return dict(rows.iter_rows())


def noise(size):
    return lambda rng, n: rng.normal(0, size, n)


def test_weights_go_with_the_inverse_of_the_variance(monkeypatch):
    """Of independent errors with variances 1 and 1.19 the best weights are 1.19 / 2.19 and 1 / 2.19."""
    monkeypatch.setattr(all_series, "TOTALS", 0.0)  # three days hold little information on them
    rows = past({"a": noise(1.0), "b": noise(1.09)}, series=12_000, steps=3)
    got = found(fit_weights(rows, homes(rows), ["a", "b"]))
    assert got["a"] == pytest.approx(1.19 / 2.19, abs=0.01)


def test_they_add_up_to_one_and_are_never_negative():
    rng = np.random.default_rng(3)
    common = rng.normal(0, 1, 40 * 14)
    rows = past({"a": lambda r, n: common, "b": lambda r, n: 1.05 * common + r.normal(0, 0.05, n), "c": noise(1.0)})
    for segment in ("all", "smooth/A"):
        got = found(fit_weights(rows, homes(rows), ["a", "b", "c"]), segment)
        assert sum(got.values()) == pytest.approx(1)
        assert min(got.values()) >= 0


def test_no_better_weights_exist_on_a_grid():
    """On many cells the squared error of the weights is as small as that of the best of 231 others."""
    rng = np.random.default_rng(5)
    shared = rng.normal(0, 1, 800 * 14)
    draw = {"a": lambda r, n: shared + r.normal(0, 0.5, n), "b": lambda r, n: shared + r.normal(0.1, 0.6, n)}
    rows = past(draw | {"c": noise(1.25)}, series=800)
    got = found(fit_weights(rows, homes(rows), ["a", "b", "c"]))
    e = {m: (g["yhat"] - g["y"]).to_numpy() for (m,), g in rows.group_by("model")}
    loss = lambda w: np.mean(sum(w[m] * e[m] for m in e) ** 2)  # noqa: E731
    grid = [(i / 20, j / 20, 1 - i / 20 - j / 20) for i in range(21) for j in range(21 - i)]
    best = min(loss(dict(zip("abc", w, strict=True))) for w in grid)
    assert loss(got) <= 1.01 * best


def test_a_lean_that_hardly_shows_in_series_counts_in_their_totals(monkeypatch):
    """Both members err alike by series; the errors of one of them add up, those of the other cancel out."""
    rows = past({"even": noise(10.0), "leaning": lambda rng, n: rng.normal(-1.0, 9.9, n)}, series=4000, steps=14)
    result = found(fit_weights(rows, homes(rows), ["even", "leaning"]))
    monkeypatch.setattr(all_series, "TOTALS", 0.0)
    without = found(fit_weights(rows, homes(rows), ["even", "leaning"]))
    assert without["leaning"] == pytest.approx(0.5, abs=0.02)
    assert result["leaning"] < 0.95 * without["leaning"]


def test_the_median_has_other_weights():
    """One member is right of most days and far off on few: best by absolute errors, not by squares."""
    peaks = lambda r, n: np.where(r.random(n) < 0.04, 3.5, 0.0) * r.choice([-1, 1], n) + r.normal(0, 0.9, n)  # noqa: E731
    rows = past({"a": noise(1.09), "b": peaks}, series=10_000, steps=3)
    got = fit_weights(rows, homes(rows), ["a", "b"])
    e = {m: (g.sort("unique_id", "ds")["yhat"] - 100).to_numpy() for (m,), g in rows.group_by("model")}
    for weight, power in (("weight", 2), ("middle", 1)):
        best = min(np.linspace(0, 1, 101), key=lambda w: np.mean(np.abs(w * e["a"] + (1 - w) * e["b"]) ** power))
        assert found(got, "all", weight)["a"] == pytest.approx(best, abs=0.04)
    assert found(got, "all", "middle")["a"] < found(got)["a"] - 0.03


def test_few_cells_lean_to_the_simple_mean():
    rows = past({"a": noise(1.0), "b": noise(1.2)}, series=1, steps=200)
    few = found(fit_weights(rows, homes(rows), ["a", "b"]))
    many = past({"a": noise(1.0), "b": noise(1.2)}, series=500)
    assert abs(few["a"] - 0.5) < abs(found(fit_weights(many, homes(many), ["a", "b"]))["a"] - 0.5)


def test_a_clearly_worse_member_is_left_out():
    rows = past({"a": noise(1.0), "b": noise(1.05), "bad": noise(3.0)})
    assert found(fit_weights(rows, homes(rows), ["a", "b", "bad"]))["bad"] == 0


def test_segments_have_other_weights():
    rows = past({"a": noise(1.0), "b": noise(1.0)}, series=2000, steps=3)
    first = pl.col("unique_id") < "s1000"
    better = pl.when(first == (pl.col("model") == "a")).then(0.3).otherwise(1.0)
    rows = rows.with_columns(yhat=100 + (pl.col("yhat") - 100) * better)
    got = fit_weights(rows, homes(rows, lambda name: "x" if name < "s1000" else "y"), ["a", "b"])
    assert found(got, "x")["a"] > 0.8
    assert found(got, "y")["b"] > 0.8


def test_without_a_past_all_weigh_the_same():
    rows = past({"a": noise(1.0), "b": noise(9.0)})
    assert found(fit_weights(rows.clear(), homes(rows), ["a", "b"])) == {"a": 0.5, "b": 0.5}
    only = rows.filter(model="a")
    assert found(fit_weights(only, homes(only), ["a", "b"])) == {"a": 0.5, "b": 0.5}


def test_series_of_one_window_know_less_than_as_many_of_their_own(monkeypatch):
    """What they share is drawn once: 4,000 series of a window leave more doubt, and the simple mean more weight."""
    monkeypatch.setattr(all_series, "TOTALS", 0.0)
    rows = past({"a": noise(1.0), "b": noise(1.1)}, series=4000, steps=3)
    alone = found(fit_weights(rows, homes(rows), ["a", "b"]))
    monkeypatch.setattr(sides, "SHARED", 0.005)
    together = found(fit_weights(rows, homes(rows), ["a", "b"]))
    assert 0.5 < together["a"] < alone["a"] - 0.01


def test_a_member_may_be_good_at_the_first_step_alone():
    """The last value is near at first and far off later; what is far off at all steps stays out of the first, too."""
    steps = 12
    rows = past({"model": noise(2.0), "naive": noise(1.0), "bad": noise(9.0)}, series=1500, steps=steps)
    grown = pl.when(pl.col("model") == "naive").then(pl.col("step") * 1.2 - 0.4).otherwise(1.0)
    rows = rows.with_columns(yhat=100 + (pl.col("yhat") - 100) * grown)
    got = fit_weights(rows, homes(rows), ["model", "naive", "bad"])
    for column in ("weight", "middle"):
        at = {first: found(got.filter(first_step=first), weight=column) for first in got["first_step"].unique()}
        assert at[1]["naive"] > 0.5
        assert max(at[max(at)]["naive"], at[1]["bad"], at[max(at)]["bad"]) < 0.05


def windows(draw, count=3):
    """The rows of `count` windows, each drawn by itself."""
    drawn = [past(draw, series=150, steps=4, seed=i) for i in range(count)]
    days = [timedelta(days=10 * i) for i in range(count)]
    return pl.concat(part.with_columns(pl.col("ds", "cutoff") + day) for part, day in zip(drawn, days, strict=True))


def test_the_median_is_learned_on_medians_that_were_better_than_means_in_every_window():
    """Both means are alike, and the median of one member is right: it makes the median, unless the gain may be luck."""
    rows = windows({"a": noise(1.0), "b": noise(1.0)}, count=2)
    right = pl.when(pl.col("model") == "a").then(100 + (pl.col("yhat") - 100) * 0.5).otherwise("yhat")
    better = rows.with_columns(q50=right)
    got = fit_weights(better, homes(rows), ["a", "b"])
    assert got["median_of"].unique().to_list() == ["q50"]
    assert found(got)["a"] == pytest.approx(0.5, abs=0.05)
    assert found(got, weight="middle")["a"] > 0.9
    once = pl.when(pl.col("cutoff") == START).then("q50").otherwise("yhat")
    for known in (better.with_columns(q50=once), better.filter(pl.col("cutoff") == START), rows):
        got = fit_weights(known, homes(rows), ["a", "b"])
        assert got["median_of"].unique().to_list() == ["yhat"]
        assert found(got, weight="middle")["a"] == pytest.approx(0.5, abs=0.05)


def test_the_form_is_the_one_that_did_best_in_windows_it_was_not_learned_from():
    """Each of six members is far off on other rows: the median is not touched by it, the weighted mean is."""
    slips = lambda r, n: r.normal(0, 1, n) + np.where(r.random(n) < 0.08, 30.0, 0.0) * r.choice([-1, 1], n)  # noqa: E731
    wild, tame = windows(dict.fromkeys("abcdef", slips)), windows(dict.fromkeys("abcdef", noise(1.0)))
    got = fit_weights(wild, homes(wild), list("abcdef"))
    assert got["form"].unique().to_list() == ["median"]
    shares = got.filter(pl.col("weight") > 0).group_by("first_step").agg(pl.col("weight").n_unique(), n=pl.len())
    assert shares.select(pl.col("weight").max(), pl.col("n").min() >= 3).row(0) == (1, True)
    assert fit_weights(tame, homes(tame), list("abcdef"))["form"].unique().to_list() == ["mean"]
    one = wild.filter(pl.col("cutoff") == START)
    assert fit_weights(one, homes(one), list("abcdef"))["form"].unique().to_list() == ["mean"]
