"""A scenario of the promotions that then were: `ask` takes rows of a data set, runs its job in a folder, and returns
what the product answers beside sales.

The job is run at a cutoff on the plan without promotions: a real training, a published forecast, answers on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from benchmarks.processes import places
from benchmarks.response.real_plans import ANSWERS, planned, promotions, wape
from forecasting.config import load
from forecasting.data.panel import KEY
from forecasting.steps import run_step
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.serving.held import open_served
from forecasting.steps.serving.online import forecast_changed
from forecasting.steps.serving.served import Served

STEPS = ("ingest", "backtest", "train", "predict")
JOB = {"models": ["ladder", {"lightgbm": {}}], "backtest.windows": 1, "store.buckets": 1}
"""Boosters alone, and one scored window: what is judged is the answer, not the champion."""


@dataclass(frozen=True)
class Unanswered(Served):
    """The same forecast without a response: its model answers other prices and promotions itself."""

    @cached_property
    def bundle(self) -> Bundle:
        """The fitted models of the vintage, without levers."""
        return replace(bundles.fetch(self.session.registry, self.version), levers=None)


def ask(file: Path, rows: pl.DataFrame, cutoff: date, folder: Path) -> pl.DataFrame:
    """[given, on, periods, series, planned, scenario, boosters, *_total, weeks]: WAPE and sum over sales of each
    answer, on promotions and on all periods, given price and promotion and given all that is known ahead.

    `file` is a config, `rows` are those of its source, `folder` holds everything that is written. `weeks` is the share
    of the periods of the horizon in which the scenario errs less than the plan.
    """
    config = load(file, JOB | places(folder) | {"source.path": str(folder / "sales.parquet")})
    plan = planned(rows, config, cutoff)
    plan.write_parquet(folder / "sales.parquet")
    for step in STEPS:
        run_step(step, config)
    served = open_served(config)
    found, levers = [], [str(config.columns.price), str(config.columns.promo)]
    days = promotions(rows, plan, config, cutoff)
    for given, columns in {"price and promotion": levers, "all": list(config.columns.known_ahead)}.items():
        answered = answers(served, rows, columns)
        for on, of in {"promotions": answered.join(days, on=KEY, how="semi"), "all": answered}.items():
            found.append(_told(of).select(pl.lit(given).alias("given"), pl.lit(on).alias("on"), pl.all()))
    return pl.concat(found)


def answers(served: Served, rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """[unique_id, ds, y, ANSWERS ...] of the periods of the vintage with sales in `rows`: forecasts as planned, with
    the `columns` as they really were by the response, and by the boosters.
    """
    kinds = served.columns
    real = rows.filter(pl.col("ds").is_between(*served.days)).sort(KEY)
    values = real.select(*KEY, *(pl.col(c).cast(kinds[c]) for c in columns))
    ids = served.published([0])["unique_id"].unique().sort()
    forecasts = {
        "planned": served.published([0]),
        "scenario": pl.concat(list(forecast_changed(served, ids, values))),
        "boosters": pl.concat(list(forecast_changed(Unanswered(served.session, served.vintage), ids, values))),
    }
    both = real.select(*KEY, pl.col("y").cast(pl.Float64)).drop_nulls()
    for name, of in forecasts.items():
        both = both.join(of.select(*KEY, pl.col("yhat").alias(name)), on=KEY, maintain_order="left")
    return both


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """One row of errors, sums and counts."""
    weeks = [wape(week, ANSWERS) for week in rows.partition_by("ds")]
    totals = {f"{name}_total": rows[name].sum() / rows["y"].sum() for name in ANSWERS}
    counts = {"periods": rows.height, "series": rows["unique_id"].n_unique()}
    better = sum(week["scenario"] < week["planned"] for week in weeks) / max(len(weeks), 1)
    return pl.DataFrame([counts | wape(rows, ANSWERS) | totals | {"weeks": better}])
