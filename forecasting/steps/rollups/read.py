"""Rollups of the newest vintage: `read_series_rollups` takes a Session and returns one row per series.

`scan_totals` returns the sums of series of a published vintage, lazily.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.data.schemas import ROLLUP_FIGURES
from forecasting.services.engine import walk
from forecasting.services.store.vintages import scan_published
from forecasting.steps.rollups.build import RollupWorker
from forecasting.steps.session import Session


def read_series_rollups(session: Session) -> pl.DataFrame:
    """[unique_id, yhat, last_year, price, wape, bias]: one row per series of the newest vintage.

    yhat is the champion's forecast and last_year what was sold in the same periods a year before, both summed over the
    horizon in units of the target; last_year is null for a series without a row for each of them. price is the last
    observed one; wape and bias are those of the champion in its backtest, as shares. No rows before the first forecast.
    """
    columns = ["unique_id", *ROLLUP_FIGURES]
    if session.vintages.is_empty():
        return session.store.tables["rollups"].empty().select(columns)
    newest = session.vintages.row(0, named=True)
    stored = scan_published(session.store, "rollups", cutoff=newest["cutoff"])
    rows = stored.filter(pl.col("version") == newest["version"]).select(columns).collect()
    if rows.height:
        return rows
    panel = session.panel
    parts = walk(panel.engine, RollupWorker(panel, session.store, newest), panel.buckets)
    return pl.concat(part.series for part in parts)


def scan_totals(session: Session, cutoff: date, version: int) -> pl.LazyFrame:
    """[group, ds, model, yhat] of a published vintage: the forecasts of the series of each group added up. No rows of
    a vintage from before there was this table.
    """
    rows = scan_published(session.store, "totals", cutoff=cutoff).filter(pl.col("version") == version)
    return rows.select("group", "ds", "model", "yhat")
