"""Forecasts from cleaned sales are better than those from dirty ones, judged on what was really wanted."""

from typing import Any

import polars as pl
import pytest

from forecasting.data import sources
from tests import chain

DIRT = {"outliers": 60, "gaps": 30, "closed_weeks": 12, "stock_outs": 60}
OPTIONS = {"stores": 4, "items": 6, "days": 400, "start": "2024-01-01", "seed": 11}
JOB: dict[str, Any] = {
    "name": "pays",
    "freq": "1d",
    "h": 14,
    "columns": {"known_ahead": ["price", "promo"], "static": ["store", "item"], "price": "price", "promo": "promo"},
    "levels_of_aggregation": [[], ["store"]],
    "future": {"price": "last"},
    "backtest": {"windows": 2, "step": 14, "calibration": 0},
    "blocks": [14],
    "models": ["ladder", {"lightgbm": {"trees": 60}}],
}
CLEAN = {
    "closed": "infer",
    "closed_by": ["store"],
    "stock_outs": "infer",
    "outliers": {"rule": "level_shift", "action": "drop"},
}


@pytest.fixture(scope="module")
def errors() -> dict[str, dict[str, float]]:
    """WAPE by model, with and without cleaning, over the same days: those on which the clean chain could sell."""
    rows = {}
    for name, clean in (("dirty", {}), ("clean", CLEAN)):
        job = chain.make(chain.sample().head(0), **JOB, source=source(DIRT), clean=clean, calendar={})
        job.run(["ingest", "backtest"])
        rows[name] = job.table("backtests").filter(pl.col("grain") == "series").select(*chain.KEY, "cutoff", "yhat")
        config = job.config(**{"source.options": OPTIONS, "columns.known_after": ["stock", "open"]})
    sold = sources.load(config).long.filter(pl.col("open") == 1, pl.col("stock") > 0)
    wanted = sold.select("unique_id", "ds", wanted="y").drop_nulls()
    both = (
        rows["dirty"]
        .join(rows["clean"], on=[*chain.KEY, "cutoff"], suffix="_clean")
        .join(wanted, on=["unique_id", "ds"])
    )
    told = both.group_by("model").agg(
        dirty=(pl.col("yhat") - pl.col("wanted")).abs().sum() / pl.col("wanted").sum(),
        clean=(pl.col("yhat_clean") - pl.col("wanted")).abs().sum() / pl.col("wanted").sum(),
    )
    return {row["model"]: row for row in told.iter_rows(named=True)}


def source(dirt: dict[str, int]) -> dict[str, Any]:
    return {"kind": "synthetic", "options": OPTIONS | {"dirt": dirt}}


@pytest.mark.parametrize("model", ["SeasonalNaive", "SeasonalMean4", "Naive", "LightGBM"])
def test_cleaning_pays(errors, model):
    told = errors[model]
    assert told["clean"] < 0.97 * told["dirty"], told


def test_the_best_model_is_better_with_clean_sales(errors):
    best = {name: min(told[name] for told in errors.values()) for name in ("dirty", "clean")}
    assert best["clean"] < 0.97 * best["dirty"], best
