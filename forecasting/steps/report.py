"""How good the forecasts are, and where: the tables of a report, from the newest backtest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import quality
from forecasting.data.panel import KEY
from forecasting.errors import UserError
from forecasting.evaluation import paired_test
from forecasting.evaluation.breakdown import break_down_errors, costliest_series
from forecasting.evaluation.comparisons import compare_models
from forecasting.evaluation.scores import block_labels
from forecasting.evaluation.segments import planning_classes
from forecasting.models.naive import LADDER
from forecasting.services.store import Store
from forecasting.steps import queries, session

PARTS = ("demand_class", "volume", "xyz", "lifecycle", "horizon", "promotion")
WORST = 20


def report(config: Config) -> dict[str, pl.DataFrame]:
    """Tables by name: models (all scores), comparisons (which differences are more than chance), parts (the model that
    serves by segment, horizon and promotion, beside the best of the ladder), steps (by step of the horizon), worst.

    Raises UserError before the first backtest.
    """
    told = queries.read_run_facts(session.open_session(config), "backtest")
    if not told:
        raise UserError("nothing was backtested yet", where=config.name, needs="backtest")
    store = session.open_store(config)
    rows = _rows(config, store, told)
    serving, rung = _models(config, rows)
    own, other = (rows.filter(pl.col("model") == name) for name in (serving, rung))
    parts = [break_down_errors(own, other, by) for by in PARTS if by in rows.columns]
    return {
        "models": pl.DataFrame(told["scores"], infer_schema_length=None),
        "comparisons": compare_models(rows, [rung, serving]),
        "parts": pl.concat(parts).select(pl.lit(serving).alias("model"), pl.all()),
        "steps": break_down_errors(own, other, "step"),
        "worst": costliest_series(own, WORST).select(pl.lit(serving).alias("model"), pl.all()),
    }


def _rows(config: Config, store: Store, told: Mapping[str, Any]) -> pl.DataFrame:
    """The reported backtest rows of single series with the columns of PARTS."""
    at = [date.fromisoformat(c) for c in told["cutoffs"]]
    found = store.scan("backtests", cutoff=at).filter(pl.col("recipe") == told["recipe"], pl.col("grain") == "series")
    rows = found.collect()
    rows = rows.join(block_labels(rows).drop("grain"), on="block", how="left").join(
        _segments(config, store), on="unique_id", how="left"
    )
    return _promoted(rows, config, store)


def _segments(config: Config, store: Store) -> pl.DataFrame:
    """unique_id, demand_class, volume, xyz, lifecycle."""
    series = store.scan("series").collect()
    newest = series["last"].max()
    assert isinstance(newest, date), "what was backtested has been observed"
    told = quality.add_verdicts(series, config, newest)
    return told.select("unique_id", "demand_class").join(planning_classes(told), on="unique_id")


def _promoted(rows: pl.DataFrame, config: Config, store: Store) -> pl.DataFrame:
    """With `promotion`, on or off as the promo column says of the day; the rows as they are where there is none."""
    promo = config.columns.promo
    if promo is None or not store.tables["panel"].schema[promo].is_numeric():
        return rows
    first, last = rows["ds"].min(), rows["ds"].max()
    on = pl.when(pl.col(promo) > 0).then(pl.lit("on")).when(pl.col(promo).is_not_null()).then(pl.lit("off"))
    days = store.scan("panel").filter(pl.col("ds").is_between(first, last)).select(*KEY, promotion=on).collect()
    return rows.join(days, on=list(KEY), how="left")


def _models(config: Config, rows: pl.DataFrame) -> tuple[str, str]:
    """The model that serves (the best one, where none of the backtest does yet) and the best rung of the ladder."""
    champion = queries.read_run_facts(session.open_session(config), "train").get("champion")
    names = set(rows["model"])
    serving = str(champion) if champion in names else str(paired_test.best_model_rows(rows)["model"][0])
    rungs = rows.filter(pl.col("model").is_in(LADDER))
    return serving, str(paired_test.best_model_rows(rungs)["model"][0]) if rungs.height else serving
