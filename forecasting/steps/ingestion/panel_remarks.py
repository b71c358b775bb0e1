"""Remarks about the panel as a load leaves it: `panel_remarks` takes the Store and the Config and returns Remarks."""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.cleaning.far_out import find_far_out
from forecasting.data.quality.remarks import far_out_remark
from forecasting.remarks import Remark
from forecasting.services.store import Store


def panel_remarks(store: Store, config: Config) -> list[Remark]:
    """What a planner should know about the stored series, whichever load brought it; empty where nothing is odd."""
    return _far_out(store, config)


def _far_out(store: Store, config: Config) -> list[Remark]:
    """The values far from all others; only the rows of series that hold some are read."""
    suspicious = store.scan("series").filter(pl.col("far_out") > 0).select("unique_id", "bucket").collect()
    if suspicious.is_empty():
        return []
    buckets = suspicious["bucket"].unique().to_list()
    rows = store.scan("panel", bucket=buckets).filter(pl.col("unique_id").is_in(suspicious["unique_id"].implode()))
    found = find_far_out(rows.select("unique_id", "ds", "y_raw").sort("unique_id", "ds").collect())
    return [far_out_remark(found, config)] if found.height else []
