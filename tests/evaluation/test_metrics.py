"""Metrics against worked examples, utilsforecast and the scorer of the benchmarks."""

import importlib.util
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from utilsforecast import losses

from forecasting.evaluation.metrics import levels_of, naive_error_scales, score

START = date(2024, 1, 1)


def series(values, name="a", start=START):
    days = [start + timedelta(days=i) for i in range(len(values))]
    return pl.DataFrame(
        {"unique_id": [name] * len(values), "ds": days, "y": values}, schema_overrides={"y": pl.Float64}
    )


def forecasts(y, yhat, mase_scale=1.0, rmsse_scale=1.0, **bounds):
    columns = {name.replace("_", "-"): pl.Series(values, dtype=pl.Float64) for name, values in bounds.items()}
    frame = series(y).with_columns(yhat=pl.Series(yhat, dtype=pl.Float64), cutoff=pl.lit(START - timedelta(days=1)))
    scale = {"mase_scale": pl.lit(mase_scale, pl.Float64), "rmsse_scale": pl.lit(rmsse_scale, pl.Float64)}
    return frame.with_columns(**scale, **columns)


def values(frame, by=()):
    return dict(score(frame, by).select("metric", "value").rows())


class TestWorkedExamples:
    """Numbers computed elsewhere for y = 10 0 20 30, f = 12 1 15 33 after 8 12 9 15 11 18."""

    y, f = (10, 0, 20, 30), (12, 1, 15, 33)

    def test_point_metrics(self):
        found = values(forecasts(self.y, self.f))
        expected = {"mae": 2.75, "rmse": 3.122499, "wape": 0.183333, "bias": 0.016667, "smape": 64.069264, "n": 4}
        assert {k: found[k] for k in expected} == pytest.approx(expected, abs=1e-6)

    def test_r2(self):
        assert values(forecasts(self.y, self.f))["r2"] == pytest.approx(1 - 39 / 500)

    @pytest.mark.parametrize(("season", "mase"), [(1, 0.572917), (2, 1.222222)])
    def test_scaled_metrics(self, season, mase):
        scale = naive_error_scales(series([8, 12, 9, 15, 11, 18]), season).row(0, named=True)
        found = values(forecasts(self.y, self.f, scale["mase_scale"], scale["rmsse_scale"]))
        assert found["mase"] == pytest.approx(mase, abs=1e-6)
        assert found["rmsse"] == pytest.approx(0.622017, abs=1e-6)

    def test_bounds(self):
        found = values(forecasts(self.y, self.f, lo_80=[5, 0, 12, 20], hi_80=[15, 3, 19, 40]))
        assert found["coverage-80"] == 0.75
        assert found["sis-80"] == pytest.approx(12.5)
        assert found["width-80"] == pytest.approx((10 + 3 + 7 + 20) / 4)

    def test_pinball(self):
        found = values(forecasts(self.y, self.f, lo_80=[0] * 4, hi_80=[15, 3, 22, 35]))
        assert found["pinball-hi-80"] == pytest.approx(0.375)


def test_absolute_errors_are_judged_on_the_median_and_bias_on_the_mean():
    found = values(forecasts([10, 10], [12, 12], q50=[10, 10]))
    assert found["wape"] == found["mae"] == found["mase"] == 0
    assert found["bias"] == pytest.approx(0.2)
    assert found["rmse"] == found["rmsse"] == 2


def test_rows_without_an_observation_are_not_scored():
    found = values(forecasts([10, None, 10], [12, 1000, 8]))
    assert found["n"] == 2
    assert found["wape"] == pytest.approx(0.2)


def test_a_missing_forecast_is_an_error_and_not_a_better_score():
    with pytest.raises(ValueError, match="1 of 2 rows with a sale have no forecast"):
        score(forecasts([10, 10], [10, None]))
    with pytest.raises(ValueError, match="no forecast"):
        score(forecasts([10, 10], [10, float("nan")]))


def test_series_without_a_scale_are_left_out_and_counted():
    parts = [
        forecasts([10], [12], scale, scale).with_columns(unique_id=pl.lit(str(scale))) for scale in (2.0, 0.0, None)
    ]
    found = values(pl.concat(parts))
    assert found["mase"] == 1.0
    assert found["mase_excluded"] == found["rmsse_excluded"] == 2


def test_an_undefined_score_has_no_row():
    found = values(forecasts([0, 0], [1, 1]))
    assert not {"wape", "bias", "r2"} & set(found)
    assert found["mae"] == 1


def test_by_groups():
    frame = pl.concat(forecasts([10, 10], [f, f]).with_columns(model=pl.lit(m)) for m, f in (("x", 10), ("z", 15)))
    wapes = score(frame, ["model"]).filter(pl.col("metric") == "wape")
    assert wapes.select("model", "value").rows() == [("x", 0.0), ("z", 0.5)]
    assert score(frame.clear(), ["model"]).is_empty()
    assert score(frame.clear()).is_empty()


def test_scales_use_pairs_that_are_both_observed():
    history = pl.concat([series([1, 3, None, 8, 8.0]), series([5.0], name="b")])
    found = naive_error_scales(history, 2).sort("unique_id")
    assert found["mase_scale"].to_list() == [5.0, None]  # |8 - 3| alone: the others lack a partner
    assert found["rmsse_scale"].to_list() == [2.0, None]  # (3 - 1)^2 and (8 - 8)^2
    assert found["mean"].to_list() == [5.0, 5.0]


def test_levels_are_read_from_the_columns():
    assert levels_of(["lo-95", "hi-95", "hi-80", "lo-80", "lo-50", "y"]) == [80, 95]


def random_backtest(seed=0, ids=6, cutoffs=3, h=8, m=4):
    """Histories and forecasts with bounds, as a backtest would leave them."""
    rng = np.random.default_rng(seed)
    days = [START + timedelta(days=i) for i in range(60 + cutoffs * h)]
    grids = [
        pl.DataFrame({"unique_id": f"s{i}", "ds": days, "y": rng.poisson(2 + 3 * i, len(days)) * 1.0})
        for i in range(ids)
    ]
    history, rows = pl.concat(grids), []
    for k in range(cutoffs):
        cutoff = days[59 + k * h]
        ahead = history.filter(pl.col("ds").is_between(cutoff, cutoff + timedelta(days=h), closed="right"))
        noise = pl.Series(rng.normal(0, 2, ahead.height))
        ahead = ahead.with_columns(cutoff=pl.lit(cutoff), yhat=(pl.col("y") * 0.7 + 2 + noise).clip(0))
        rows.append(ahead.join(naive_error_scales(history.filter(pl.col("ds") <= cutoff), m), on="unique_id"))
    wide = {f"{s}-{n}": pl.col("yhat") + sign * w for n, w in ((80, 2), (95, 4)) for s, sign in (("lo", -1), ("hi", 1))}
    return history, pl.concat(rows).with_columns(q50=pl.col("yhat") * 0.9, **wide)


def test_agrees_with_utilsforecast():
    history, frame = random_backtest()
    frame = frame.drop("q50")
    one = values(frame.filter(pl.col("unique_id") == "s3"))
    plain = frame.drop("mase_scale", "rmsse_scale").filter(pl.col("unique_id") == "s3")
    pooled = plain.drop("cutoff")

    def theirs(table):
        return table["yhat"].mean()

    assert one["mae"] == pytest.approx(theirs(losses.mae(pooled, models=["yhat"])))
    assert one["rmse"] == pytest.approx(theirs(losses.rmse(pooled, models=["yhat"])))
    assert one["wape"] == pytest.approx(theirs(losses.wape(pooled, models=["yhat"])))
    assert one["smape"] == pytest.approx(200 * theirs(losses.smape(pooled, models=["yhat"])))
    train = history.filter(pl.col("unique_id") == "s3")
    assert one["mase"] == pytest.approx(theirs(losses.mase(plain, ["yhat"], 4, train)))
    assert one["rmsse"] == pytest.approx(theirs(losses.rmsse(plain, ["yhat"], 1, train)))
    named = pooled.rename({f"{s}-{n}": f"yhat-{s}-{n}" for s in ("lo", "hi") for n in (80, 95)})
    assert one["coverage-95"] == pytest.approx(theirs(losses.coverage(named, ["yhat"], 95)))
    upper = losses.quantile_loss(pooled, {"yhat": "hi-80"}, q=0.9)
    assert one["pinball-hi-80"] == pytest.approx(theirs(upper))


@pytest.mark.parametrize("code", ["D2", "D3", "D5", "D7"])
def test_agrees_with_the_scorer_of_the_benchmarks(benchmarks, code):
    spec = importlib.util.spec_from_file_location("evaluate", benchmarks / "evaluate.py")
    evaluate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(evaluate)
    truth = evaluate.actuals(code)
    rng = np.random.default_rng(1)
    shaken = pl.col("y") * pl.Series(rng.uniform(0.3, 1.9, truth.height)) + pl.Series(rng.exponential(1, truth.height))
    frame = truth.with_columns(yhat=shaken).with_columns(
        **{"q50": pl.col("yhat") * 0.9, "lo-80": pl.col("yhat") * 0.6, "hi-80": pl.col("yhat") * 1.3},
        **{"lo-95": pl.col("yhat") * 0.3, "hi-95": pl.col("yhat") * 1.7},
    )
    theirs = evaluate.evaluate(frame.drop("y", "mase_scale", "rmsse_scale"), truth)
    ours = values(frame)
    names = {"n": "n", "wape": "wape", "bias": "bias", "mase": "mase", "rmsse": "rmsse", "wql": "wql"}
    names |= {"cov80": "coverage-80", "cov95": "coverage-95", "sis80": "sis-80", "sis95": "sis-95"}
    assert {k: ours[v] for k, v in names.items()} == pytest.approx({k: theirs[k] for k in names}, rel=1e-9)
