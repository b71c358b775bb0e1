"""WRMSSE against a brute-force reading of M5's definition, and which gains are more than chance."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.evaluation.comparisons import compare_models, gain_scores
from forecasting.evaluation.metrics.wrmsse import recent_weights, wrmsse_scores

CUTOFFS = (date(2024, 1, 31), date(2024, 2, 29))
H = 5
HOMES = {"a": ("N", "x"), "b": ("N", "y"), "c": ("S", "x"), "d": ("S", "y")}
LEVELS = ((), ("store",), ("store", "kind"))


def groups_of(name):
    store, kind = HOMES[name]
    return {"series": name, "total": "total", "store": f"store={store}", "store/kind": f"store={store}/kind={kind}"}


@pytest.fixture
def job():
    """Backtest rows of two models on four series and their sums, and what each sold before each cutoff."""
    rng = np.random.default_rng(3)
    single = [
        {
            "unique_id": s,
            "cutoff": c,
            "ds": c + timedelta(k),
            "model": m,
            "y": 10.0 + k,
            "yhat": 10 + k + rng.normal(0, 2),
        }
        for s in HOMES
        for c in CUTOFFS
        for k in range(1, H + 1)
        for m in ("one", "two")
    ]
    parts = []
    for grain in ("series", "total", "store", "store/kind"):
        named = pl.DataFrame(single).with_columns(
            pl.col("unique_id").replace_strict({s: groups_of(s)[grain] for s in HOMES}), grain=pl.lit(grain)
        )
        parts.append(named.group_by("unique_id", "cutoff", "ds", "model", "grain").agg(pl.col("y", "yhat").sum()))
    rows = pl.concat(parts).sort("grain", "unique_id", "cutoff", "model", "ds")
    scale = pl.struct("unique_id", "grain", "cutoff").hash(seed=1) % 7 + 1.0
    rows = rows.with_columns(rmsse_scale=scale, recipe=pl.lit("r"), mase_scale=1.0)
    sold = [
        {"cutoff": c, "unique_id": s, "_value": float(rng.integers(1, 50)), "store": HOMES[s][0], "kind": HOMES[s][1]}
        for s in HOMES
        for c in CUTOFFS
    ]
    return rows, pl.DataFrame(sold)


def brute(rows, sold, model, grain, cutoff):
    """Sum of weight times root of mean squared error over scale, row by row in plain Python."""
    worth = {}
    for row in sold.filter(cutoff=cutoff).iter_rows(named=True):
        name = groups_of(row["unique_id"])[grain]
        worth[name] = worth.get(name, 0.0) + row["_value"]
    total = 0.0
    for name, value in worth.items():
        part = rows.filter(model=model, grain=grain, cutoff=cutoff, unique_id=name)
        squared = sum((f - y) ** 2 for f, y in part.select("yhat", "y").iter_rows()) / part.height
        total += value / sum(worth.values()) * (squared / part["rmsse_scale"][0]) ** 0.5
    return total


def test_it_is_what_m5_defines(job):
    rows, sold = job
    found = wrmsse_scores(rows, recent_weights(sold, LEVELS))
    for model in ("one", "two"):
        means = []
        for grain in ("series", "total", "store", "store/kind"):
            each = [brute(rows, sold, model, grain, c) for c in CUTOFFS]
            for cutoff, value in zip(CUTOFFS, each, strict=True):
                assert found.filter(model=model, grain=grain, cutoff=cutoff)["value"].item() == pytest.approx(value)
            over = found.filter(pl.col("cutoff").is_null(), model=model, grain=grain)["value"].item()
            assert over == pytest.approx(sum(each) / 2)
            means.append(over)
        overall = found.filter(pl.col("cutoff").is_null(), model=model, grain="all")["value"].item()
        assert overall == pytest.approx(sum(means) / 4)


def test_weights_are_shares_of_what_was_sold(job):
    _, sold = job
    result = recent_weights(sold, LEVELS).group_by("cutoff", "grain").agg(pl.col("weight").sum())
    expected = dict(sold.group_by("cutoff").agg(pl.col("_value").sum()).iter_rows())
    assert all(w == pytest.approx(expected[c]) for c, _, w in result.iter_rows())


def test_a_model_of_some_grains_has_no_figure_over_all(job):
    rows, sold = job
    some = rows.filter((pl.col("model") == "one") | (pl.col("grain") == "total"))
    found = wrmsse_scores(some, recent_weights(sold, LEVELS)).filter(pl.col("grain") == "all")
    assert set(found["model"]) == {"one"}


def test_a_series_without_a_scale_leaves_the_others_their_weight(job):
    rows, sold = job
    lame = rows.with_columns(rmsse_scale=pl.when(pl.col("unique_id") != "a").then("rmsse_scale"))
    weights = recent_weights(sold, ())
    found = wrmsse_scores(lame.filter(grain="series"), weights).filter(grain="series", model="one", cutoff=CUTOFFS[0])
    without = sold.filter(pl.col("unique_id") != "a")
    rest = {s: h for s, h in HOMES.items() if s != "a"}
    each = [
        (
            without.filter(cutoff=CUTOFFS[0], unique_id=s)["_value"].item(),
            rows.filter(grain="series", model="one", cutoff=CUTOFFS[0], unique_id=s),
        )
        for s in rest
    ]
    errors = [w * (((p["yhat"] - p["y"]) ** 2).mean() / p["rmsse_scale"][0]) ** 0.5 for w, p in each]
    assert found["value"].item() == pytest.approx(sum(errors) / sum(w for w, _ in each))


def noisy(model, size, seed, n=40):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        [
            {
                "unique_id": f"s{i}",
                "cutoff": CUTOFFS[0],
                "ds": CUTOFFS[0] + timedelta(k),
                "y": 20.0,
                "yhat": 20 + rng.normal(0, size),
            }
            for i in range(n)
            for k in range(1, 8)
        ]
    ).with_columns(model=pl.lit(model), grain=pl.lit("series"), recipe=pl.lit("r"))


def test_a_difference_is_told_only_beyond_chance():
    rows = pl.concat([noisy("good", 2.0, 1), noisy("rung", 4.0, 2), noisy("twin", 4.0, 3)])
    result = compare_models(rows, ["rung", "good", "nobody"])
    verdicts = {(m, r): v for m, r, v in result.select("model", "reference", "verdict").iter_rows()}
    assert verdicts == {
        ("good", "rung"): "better",
        ("twin", "rung"): "no difference",
        ("rung", "good"): "worse",
        ("twin", "good"): "worse",
    }
    assert (result["lo"] <= result["gain"]).all()
    assert (result["gain"] <= result["hi"]).all()


def test_gains_over_the_ladder_are_scores():
    rows = pl.concat([noisy("good", 2.0, 1), noisy("rung", 4.0, 2)])
    found = dict(gain_scores(rows, ["rung"]).select("metric", "value").iter_rows())
    errors = {m: (rows.filter(model=m)["yhat"] - 20).abs().sum() / (20 * 280) for m in ("good", "rung")}
    assert found["gain"] == pytest.approx(errors["rung"] - errors["good"])
    assert 0 < found["gain_lo"] < found["gain"] < found["gain_hi"]
    assert gain_scores(rows, []).is_empty()
