"""Quarters and years from a CSV to a promoted model: seasons of four and of one, months added up on the way."""

from pathlib import Path

import numpy as np
import pytest

from forecasting.config import load
from forecasting.steps import run_step
from forecasting.steps.registry import PIPELINE
from forecasting.steps.session import open_session

CONFIG = """
name: {name}
source: {{path: {name}.csv, columns: {{unique_id: item, ds: period, y: units}}}}
freq: {freq}
h: {h}
calendar: {{country: DE}}
models: [ladder, {{stats: AutoETS}}, {{stats: HoltWinters}}, {{lightgbm: {{}}}}, {{ensemble: {{weights: learned}}}}]
store: {{root: lake}}
tracking: {{uri: "sqlite:///mlflow.db", artifacts: artifacts}}
"""
SHAPE = (1.2, 0.8, 0.9, 1.1)
"""Sales of the quarters of a year."""


def job(name: str, freq: str, h: int, lines: list[str]):
    Path(f"{name}.csv").write_text("\n".join(["item,period,units", *lines]) + "\n")
    Path(f"{name}.yaml").write_text(CONFIG.format(name=name, freq=freq, h=h))
    return load(f"{name}.yaml")


def run(config):
    facts = {step: run_step(step, config).facts for step in PIPELINE}
    forecasts = open_session(config).store.scan("forecasts").collect()
    scores = {score["model"]: score["wape"] for score in facts["backtest"]["scores"]}
    return facts, scores, forecasts.filter(grain="series", model="AutoETS").sort("unique_id", "ds")


@pytest.mark.slow
def test_quarters():
    rng = np.random.default_rng(3)
    growth = [1 + 0.01 * i for i in range(60)]
    lines = [
        f"i{k},{2010 + i // 4}-Q{i % 4 + 1},{100 * (k + 1) * SHAPE[i % 4] * growth[i] * rng.normal(1, 0.05):.0f}"
        for k in range(6)
        for i in range(60)
    ]
    facts, scores, forecasts = run(job("quarters", "1q", 4, lines))
    assert (facts["ingest"]["aggregated"], facts["ingest"]["filled"]) == (360, 0)
    assert forecasts["ds"].unique().dt.to_string("%Y-%m-%d").sort().to_list() == [
        f"2025-{month:02}-01" for month in (1, 4, 7, 10)
    ]
    assert scores["SeasonalNaive"] < 0.5 * scores["HistoricAverage"], "a season of four quarters"
    assert max(scores["AutoETS"], scores["LightGBM"], scores["Ensemble"]) < scores["SeasonalNaive"]
    expected = [100 * (k + 1) * SHAPE[i] * 1.6 for k in range(6) for i in range(4)]
    assert np.abs(forecasts["yhat"].to_numpy() / expected - 1).mean() < 0.1


@pytest.mark.slow
def test_years_from_months():
    rng = np.random.default_rng(4)
    lines = [
        f"i{k},{1995 + i // 12}-{i % 12 + 1:02},{10 * (k + 1) * (1 + 0.03 * (i // 12)) * rng.normal(1, 0.1):.0f}"
        for k in range(6)
        for i in range(30 * 12 + 5)
    ]
    facts, scores, forecasts = run(job("years", "1y", 2, lines))
    load = facts["ingest"]
    assert (load["lines"], load["aggregated"], load["dropped"]) == (6 * 365, 6 * 360, {"unfinished_period": 30})
    assert load["observed"] == 180
    assert any("the year of 2025-01-01: rows with" in remark["message"] for remark in load["remarks"])
    assert scores["SeasonalNaive"] == scores["Naive"], "a season of one year"
    assert scores["AutoETS"] < scores["HistoricAverage"] / 2
    expected = [120 * (k + 1) * (1 + 0.03 * i) for k in range(6) for i in (30, 31)]
    assert np.abs(forecasts["yhat"].to_numpy() / expected - 1).mean() < 0.1
