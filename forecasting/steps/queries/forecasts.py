"""Forecasts of a Selection: `list_vintages`, `list_models`, and `read_forecast` for the rows [ds, yhat, bounds ...].

A vintage is a published forecast (cutoff + version); without a version, a cutoff means a backtest window. Stored rows
are read from a Session, and added up for a sum of series; nothing is forecast here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from forecasting.data.schemas import interval_columns
from forecasting.models.sources import SUM_OF_SERIES
from forecasting.services.store.vintages import scan_published
from forecasting.steps.queries.history import sum_observed
from forecasting.steps.queries.selection import Selection, belongs_to
from forecasting.steps.queries.status import read_run_facts
from forecasting.steps.rollups import scan_totals
from forecasting.steps.run_log import scan_scored
from forecasting.steps.session import Session


def list_vintages(session: Session) -> pl.DataFrame:
    """[cutoff, version, kind]: published vintages, then backtest windows (version null), each newest first."""
    published = session.vintages.select("cutoff", "version", kind=pl.lit("published"))
    scored = scan_scored(session.store, "scores").filter(_is_last_recipe(session))
    cutoffs = scored.select("cutoff").drop_nulls().unique().sort("cutoff", descending=True).collect()
    windows = cutoffs.select("cutoff", version=pl.lit(None, pl.Int64), kind=pl.lit("backtest"))
    return pl.concat([published, windows])


def list_models(session: Session, cutoff: date, version: int | None, selection: Selection | None = None) -> list[str]:
    """Names of the models with forecasts in a vintage, or in a backtest window (version None), the champion first.

    With a selection, the models that forecast it; for an aggregate without rows in the table, those of its series.
    """
    rows = _scan(session, cutoff, version, selection.buckets if selection else ())
    if selection and selection.kind == "group":
        of_aggregate = rows.filter(pl.col("unique_id") == selection.name)
        rows = of_aggregate if of_aggregate.head(1).collect().height else _scan(session, cutoff, version)
    names = rows.select(pl.col("model").unique().sort()).collect()["model"].to_list()
    champion = session.vintages["champion"].item(0) if session.vintages.height else None
    return sorted(names, key=lambda name: name != champion)


def read_forecast(
    session: Session, selection: Selection, cutoff: date, version: int | None, model: str | None
) -> pl.DataFrame:
    """[ds, yhat, q50, lo-80, hi-80, ..., model, source, interval, cold_start]: one row per period ahead, by ds.

    In units of the target. A backtest window (version None) also has y, what was observed. All models when `model` is
    None. Bounds are null for a sum of series, since quantiles cannot be added. Empty when there is no forecast.
    """
    by_model = pl.col("model") == model if model else pl.lit(value=True)
    rows = _scan(session, cutoff, version, selection.buckets).filter(by_model)
    names = [selection.name] if selection.kind != "sum" else list(selection.ids)
    grain = pl.col("grain") == "series" if selection.kind != "group" else pl.col("grain") != "series"
    selected = rows.filter(pl.col("unique_id").is_in(names) & grain)
    forecast = selected.collect() if selection.kind != "sum" else _sum_series(selected, session.config.level).collect()
    if selection.kind == "group" and forecast.is_empty():
        forecast = _sum_members(session, selection, cutoff, version).filter(by_model).collect()
    columns = [
        "ds",
        "yhat",
        "q50",
        *interval_columns(session.config.level),
        "model",
        "source",
        "interval",
        "cold_start",
        "y",
    ]
    return forecast.select(c for c in columns if c in forecast.columns).sort("ds", "model")


def _scan(session: Session, cutoff: date, version: int | None, buckets: Sequence[int] = ()) -> pl.LazyFrame:
    """The rows of a published vintage, or of a backtest window when `version` is None."""
    store = session.store
    where: dict[str, Any] = {"bucket": list(buckets)} if buckets else {}
    if version is None:
        return scan_scored(store, "backtests", cutoff=cutoff, **where).filter(_is_last_recipe(session))
    return scan_published(store, "forecasts", cutoff=cutoff, **where).filter(pl.col("version") == version)


def _is_last_recipe(session: Session) -> pl.Expr:
    """Whether a row is of the recipe that was backtested last; the tables also keep rows of earlier recipes."""
    recipe = read_run_facts(session, "backtest").get("recipe")
    return pl.col("recipe") == recipe if recipe else pl.lit(value=True)


def _sum_members(session: Session, aggregate: Selection, cutoff: date, version: int | None) -> pl.LazyFrame:
    """The sum over the series of an aggregate, for vintages that hold no row of the aggregate itself."""
    if version is not None:
        totals = scan_totals(session, cutoff, version).filter(pl.col("group") == aggregate.name)
        if totals.head(1).collect().height:
            return totals.drop("group").with_columns(**_no_quantiles(session.config.level))
    rows = _scan(session, cutoff, version).filter(pl.col("grain") == "series")
    members = session.store.scan("series").filter(belongs_to(session.config, aggregate.name)).select("unique_id")
    return _sum_series(rows.join(members, on="unique_id", how="semi"), session.config.level)


def _sum_series(rows: pl.LazyFrame, levels: Sequence[int]) -> pl.LazyFrame:
    """Forecasts added up per period and model: means add up, quantiles do not and are null."""
    observed = [sum_observed("y")] if "y" in rows.collect_schema() else []
    return rows.group_by("ds", "model").agg(sum_observed("yhat"), *observed).with_columns(**_no_quantiles(levels))


def _no_quantiles(levels: Sequence[int]) -> dict[str, pl.Expr]:
    """The columns of a sum of series that have no value, and its source."""
    none = {c: pl.lit(None, pl.Float64) for c in ("q50", *interval_columns(levels))}
    none |= {"interval": pl.lit(None, pl.String), "cold_start": pl.lit(None, pl.Boolean)}
    return none | {"source": pl.lit(SUM_OF_SERIES)}
