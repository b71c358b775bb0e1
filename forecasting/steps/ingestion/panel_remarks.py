"""Remarks about the panel: `load_remarks` on rows that contradict it, `panel_remarks` on the panel as a load leaves it.

Both take the Store and the Config and return a list of Remarks; nothing is written.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.cleaning.far_out import find_far_out
from forecasting.data.quality.remarks import far_out_remark
from forecasting.data.quality.static_changes import static_changes
from forecasting.remarks import Remark
from forecasting.services.store import Store


def load_remarks(store: Store, rows: pl.DataFrame, config: Config) -> list[Remark]:
    """Series whose static values differ from the stored ones; `rows` are new ones, not yet merged."""
    stored = store.scan("series").filter(pl.col("last").is_not_null()).collect()
    statics = [c for c in config.columns.static if c in stored.columns and c in rows.columns]
    if not statics or stored.is_empty():
        return []
    newest = rows.sort("ds").group_by("unique_id").agg(pl.col(statics).drop_nulls().last())
    before = stored.select("unique_id", *statics, ds="last").join(
        newest.select("unique_id"), on="unique_id", how="semi"
    )
    after = newest.join(before.select("unique_id", ds=pl.col("ds").dt.offset_by("1d")), on="unique_id")
    return list(static_changes(pl.concat([before, after.select(before.columns)], how="vertical_relaxed"), config))


def panel_remarks(store: Store, config: Config) -> list[Remark]:
    """What a planner should know about the stored series, whichever load brought it; empty where nothing is odd."""
    # only the rows of series that hold values far from all others are read
    suspicious = store.scan("series").filter(pl.col("far_out") > 0).select("unique_id", "bucket").collect()
    if suspicious.is_empty():
        return []
    buckets = suspicious["bucket"].unique().to_list()
    rows = store.scan("panel", bucket=buckets).filter(pl.col("unique_id").is_in(suspicious["unique_id"].implode()))
    found = find_far_out(rows.select("unique_id", "ds", "y_raw").sort("unique_id", "ds").collect())
    return [far_out_remark(found, config)] if found.height else []
