"""The accuracy report: `report_accuracy` takes a Session and returns {name: frame}, all from the newest backtest.

The frames are models, comparisons, parts (segments), steps (of the horizon) and worst (series): errors of the serving
model, and its gain over the best naive one. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from forecasting.data import quality
from forecasting.data.panel import KEY
from forecasting.errors import UserError
from forecasting.evaluation import paired_test
from forecasting.evaluation.breakdown import break_down_errors, costliest_series
from forecasting.evaluation.comparisons import compare_models
from forecasting.evaluation.scores import block_labels
from forecasting.evaluation.segments import planning_classes
from forecasting.models.naive import LADDER
from forecasting.steps import queries
from forecasting.steps.run_log import scan_scored
from forecasting.steps.session import Session

SEGMENTS = ("demand_class", "volume", "xyz", "lifecycle", "horizon", "promotion")
"""Columns by which the errors of the serving model are broken down."""
WORST = 20
"""Series listed in the table `worst`."""


def report_accuracy(session: Session) -> dict[str, pl.DataFrame]:
    """Tables by name: models, comparisons, parts, steps and worst, all from the newest backtest.

    models: one row per model and grain, its scores; comparisons: see `compare_models`, references are the best fallback
    model and the serving model; parts and steps: see `break_down_errors`, the serving model against the best fallback
    model, one row per segment (parts) or step of the horizon (steps); worst: see `costliest_series`. WAPE, bias and
    gain are shares. Raises UserError before the first backtest.
    """
    backtest = queries.read_run_facts(session, "backtest")
    if not backtest:
        raise UserError("nothing was backtested yet", where=session.config.name, needs="backtest")
    rows = _backtest_rows(session, backtest)
    serving, fallback = _serving_and_fallback(session, rows)
    serving_rows, fallback_rows = (rows.filter(pl.col("model") == name) for name in (serving, fallback))
    parts = [break_down_errors(serving_rows, fallback_rows, by) for by in SEGMENTS if by in rows.columns]
    model = pl.lit(serving).alias("model")
    return {
        "models": pl.DataFrame(backtest["scores"], infer_schema_length=None),
        "comparisons": compare_models(rows, [fallback, serving]),
        "parts": pl.concat(parts).select(model, pl.all()),
        "steps": break_down_errors(serving_rows, fallback_rows, "step"),
        "worst": costliest_series(serving_rows, WORST).select(model, pl.all()),
    }


def _backtest_rows(session: Session, backtest: Mapping[str, Any]) -> pl.DataFrame:
    """The reported backtest rows of single series, with the columns of SEGMENTS."""
    cutoffs = [date.fromisoformat(text) for text in backtest["cutoffs"]]
    of_recipe = pl.col("recipe") == backtest["recipe"], pl.col("grain") == "series"
    rows = scan_scored(session.store, "backtests", cutoff=cutoffs).filter(*of_recipe).collect()
    rows = rows.join(block_labels(rows).drop("grain"), on="block", how="left").join(
        _series_segments(session), on="unique_id", how="left"
    )
    return _with_promotion(session, rows)


def _series_segments(session: Session) -> pl.DataFrame:
    """[unique_id, demand_class, volume, xyz, lifecycle]: one row per series."""
    series = session.store.scan("series").collect()
    newest = series["last"].max()
    assert isinstance(newest, date), "what was backtested has been observed"
    series = quality.add_verdicts(series, session.config, newest)
    return series.select("unique_id", "demand_class").join(planning_classes(series), on="unique_id")


def _with_promotion(session: Session, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `promotion`, on or off by the promo column of the day; unchanged where there is no such column."""
    promo = session.config.columns.promo
    if promo is None or not session.store.tables["panel"].schema[promo].is_numeric():
        return rows
    first, last = rows["ds"].min(), rows["ds"].max()
    on = pl.when(pl.col(promo) > 0).then(pl.lit("on")).when(pl.col(promo).is_not_null()).then(pl.lit("off"))
    days = session.store.scan("panel").filter(pl.col("ds").is_between(first, last))
    return rows.join(days.select(*KEY, promotion=on).collect(), on=list(KEY), how="left")


def _serving_and_fallback(session: Session, rows: pl.DataFrame) -> tuple[str, str]:
    """The champion (the best model where the champion was not backtested), and the best fallback model."""
    champion = queries.read_run_facts(session, "train").get("champion")
    names = set(rows["model"])
    serving = str(champion) if champion in names else str(paired_test.best_model_rows(rows)["model"][0])
    fallback = rows.filter(pl.col("model").is_in(LADDER))
    return serving, str(paired_test.best_model_rows(fallback)["model"][0]) if fallback.height else serving
