"""No series and no row is lost: a panel of odd series from the load to the forecasts, with every model."""

from datetime import date, timedelta
from math import cos, pi
from typing import Any

import polars as pl
import pytest

from forecasting.data.windows import backtest_cutoffs
from tests.chain import make

N, H = 140, 7
START = date(2024, 1, 1)
DAYS = [START + timedelta(i) for i in range(N)]
MODELS: list[Any] = [
    "ladder",
    {"lightgbm": {"trees": 10, "params": {"min_data_in_leaf": 5, "num_leaves": 7}}},
    {"lightgbm": {"name": "Median", "predicts": "median", "trees": 10, "params": {"min_data_in_leaf": 5}}},
    {"stats": {"class": "AutoETS", "transform": "log"}},
    {"stats": {"class": "TSB", "alpha_d": 0.1, "alpha_p": 0.1}},
    {"ensemble": {"name": "Combination", "weights": "learned"}},
]


def usual(i: int) -> float:
    return round(20 + 8 * cos(2 * pi * i / 7) + 3 * cos(2.3 * i), 2)


SERIES: dict[str, dict[int, float | None]] = {
    "usual": {i: usual(i) for i in range(N)},
    "usual too": {i: 3 * usual(i + 2) for i in range(N)},
    "zeros": dict.fromkeys(range(N), 0.0),
    "returns": {i: -usual(i) for i in range(N)},
    "some returns": {i: -usual(i) if i % 20 == 3 else usual(i) for i in range(N)},
    "alternating": {i: usual(i) * (-1) ** i for i in range(N)},
    "one row": {N - 30: 5.0},
    "no numbers": dict.fromkeys(range(N)),
    "begun yesterday": {N - 1: 12.0},
    "constant": dict.fromkeys(range(N), 7.0),
    "huge": {i: 1e12 * usual(i) for i in range(N)},
    "tiny": {i: 1e-10 * usual(i) for i in range(N)},
    "silent": {i: usual(i) for i in range(40)},
}


@pytest.fixture(scope="module")
def ran():
    rows = [(name, DAYS[i], y) for name, series in SERIES.items() for i, y in series.items()]
    frame = pl.DataFrame(rows, {"shop": pl.String, "ds": pl.Date, "y": pl.Float64}, orient="row")
    source = {"kind": "table", "columns": {"unique_id": "shop", "ds": "ds", "y": "y"}}
    lean: dict[str, Any] = {"columns": {}, "future": {}, "calendar": {}, "levels_of_aggregation": [[]]}
    job = make(frame, source=source, h=H, models=MODELS, **lean, backtest={"windows": 2, "step": H, "calibration": 1})
    return job, dict(zip(("ingest", "backtest", "train", "predict"), job.run(), strict=True))


def bounds_and_means(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("yhat", "q50", "^(lo|hi)-.*$")


@pytest.mark.slow
def test_every_number_of_the_file_is_in_the_panel(ran):
    job, outcomes = ran
    panel = job.table("panel")
    for name, series in SERIES.items():
        mine = panel.filter(pl.col("unique_id") == name)
        assert sorted(mine["y_raw"].drop_nulls()) == sorted(y for y in series.values() if y is not None), name
        assert mine.filter(pl.col("y_raw").is_not_null(), pl.col("y").is_null()).is_empty(), name
    account = outcomes["ingest"].facts
    assert account["lines"] == account["aggregated"] == sum(len(series) for series in SERIES.values())
    said = " ".join(r["message"] for r in account["remarks"])
    below = [y for series in SERIES.values() for y in series.values() if y is not None and y < 0]
    assert f"{len(below)} of {account['lines']:,} rows are below 0, {sum(below):,.10g} in all" in said


@pytest.mark.slow
def test_every_series_with_coming_days_is_forecast_by_every_model_and_each_left_out_is_named(ran):
    job, outcomes = ran
    forecasts, windows = job.table("forecasts"), job.table("backtests")
    models = set(windows["model"])
    assert {"Naive", "SeasonalNaive", "LightGBM", "Median", "AutoETS", "TSB", "Combination"} <= models
    coming = [DAYS[-1] + timedelta(i) for i in range(1, H + 1)]
    single = forecasts.filter(pl.col("grain") == "series")
    for name in SERIES.keys() - {"no numbers"}:
        mine = single.filter(pl.col("unique_id") == name)
        assert sorted(mine["ds"].unique()) == coming, name
        assert mine.group_by("model").len()["len"].unique().to_list() == [H], name
    numbers = bounds_and_means(forecasts)
    assert numbers.null_count().sum_horizontal().item() == 0
    assert numbers.select(pl.all().is_finite().all()).row(0) == (True,) * numbers.width
    assert single.filter(pl.col("unique_id") == "no numbers").is_empty(), "nothing is known and nothing planned"
    said = " ".join(r["message"] for o in outcomes.values() for r in o.facts.get("remarks", ()))
    assert "series (silent) has ended" in said
    assert "1 of 13 series (no numbers) are not forecast: 1 never had a number" in said


@pytest.mark.slow
def test_every_reported_window_row_is_there_for_every_model(ran):
    job, _ = ran
    windows = job.table("backtests").filter(pl.col("grain") == "series")
    reported, _ = backtest_cutoffs(job.config(), DAYS[-1])
    for cutoff in reported:
        known = {n for n, s in SERIES.items() if any(DAYS[i] <= cutoff and y is not None for i, y in s.items())}
        for name in known:
            mine = windows.filter(pl.col("unique_id") == name, pl.col("cutoff") == cutoff)
            assert set(mine.group_by("model").len()["len"]) == {H}, (name, cutoff)
            assert mine["model"].n_unique() == windows["model"].n_unique(), (name, cutoff)
            sold = {DAYS[i]: y for i, y in SERIES[name].items() if y is not None}
            scored = {(r["ds"], r["y"]) for r in mine.filter(pl.col("y").is_not_null()).iter_rows(named=True)}
            due = {(d, y) for d, y in sold.items() if cutoff < d <= cutoff + timedelta(H)}
            assert scored == due, (name, cutoff)
    numbers = bounds_and_means(windows)
    assert numbers.select(pl.all().is_finite().all()).row(0) == (True,) * numbers.width


@pytest.mark.slow
def test_what_was_never_below_zero_stays_above_and_returns_are_forecast_as_such(ran):
    job, _ = ran
    rows = job.table("backtests").filter(pl.col("grain") == "series")
    never = [n for n, s in SERIES.items() if all(y is None or y >= 0 for y in s.values())]
    lowest = bounds_and_means(rows.filter(pl.col("unique_id").is_in(never))).select(pl.min_horizontal(pl.all().min()))
    assert lowest.item() >= 0
    returns = rows.filter(pl.col("unique_id") == "returns")
    error = (pl.col("yhat") - pl.col("y")).abs().sum() / pl.col("y").abs().sum()
    by_model = dict(returns.group_by("model").agg(error).iter_rows())
    assert max(by_model.values()) < 0.45, by_model
    assert returns.filter(pl.col("model").is_in(["LightGBM", "Combination"]))["hi-80"].max() < 0
