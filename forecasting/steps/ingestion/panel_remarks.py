"""Remarks on the panel: `load_remarks` on rows that contradict it, `panel_remarks` on it as a load leaves it.

Both take the Store and the Config and return a list of Remarks, `panel_facts` a dict of counts, days and freshness of
the panel; nothing is written.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.buckets import Portions
from forecasting.data.cleaning.far_out import find_far_out
from forecasting.data.future_rows import ALIVE_YEARS
from forecasting.data.quality.freshness import measure_freshness
from forecasting.data.quality.remarks import far_out_remark
from forecasting.data.quality.static_changes import static_changes
from forecasting.remarks import Remark
from forecasting.services.store import Store

SHOWN = 3
"""So many series are named."""


def load_remarks(store: Store, rows: Portions, config: Config) -> list[Remark]:
    """Series whose static values differ from the stored ones; `rows` are new ones, not yet merged."""
    stored = store.scan("series").filter(pl.col("last").is_not_null()).collect()
    statics = [c for c in config.columns.static if c in stored.columns and c in rows.schema]
    if not statics or stored.is_empty():
        return []
    last = pl.col(statics).drop_nulls().last()
    newest = rows.each(lambda part: part.sort("ds").group_by("unique_id").agg(last)).whole()
    before = stored.select("unique_id", *statics, ds="last").join(
        newest.select("unique_id"), on="unique_id", how="semi"
    )
    after = newest.join(before.select("unique_id", ds=pl.col("ds").dt.offset_by("1d")), on="unique_id")
    return list(static_changes(pl.concat([before, after.select(before.columns)], how="vertical_relaxed"), config))


def panel_remarks(store: Store, config: Config) -> list[Remark]:
    """What a planner should know about the stored series, whichever load brought it; empty where nothing is odd."""
    return [*_far_out(store, config), *_without_forecast(store, config)]


def _far_out(store: Store, config: Config) -> list[Remark]:
    """On values far from all others; only the rows of series that hold some are read."""
    suspicious = store.scan("series").filter(pl.col("far_out") > 0).select("unique_id", "bucket").collect()
    if suspicious.is_empty():
        return []
    buckets = suspicious["bucket"].unique().to_list()
    rows = store.scan("panel", bucket=buckets).filter(pl.col("unique_id").is_in(suspicious["unique_id"].implode()))
    found = find_far_out(rows.select("unique_id", "ds", "y_raw").sort("unique_id", "ds").collect())
    return [far_out_remark(found, config)] if found.height else []


def _without_forecast(store: Store, config: Config) -> list[Remark]:
    """On series of which nothing was observed for so long that they have no forecast, and nothing is planned."""
    series = store.scan("series").select("unique_id", "last").collect()
    newest = series["last"].max()
    if not isinstance(newest, date):
        return []
    since = config.frequency.shift(newest, -ALIVE_YEARS * config.frequency.year)
    old = series.filter(~(pl.col("last") > since).fill_null(value=False))
    if old.is_empty():
        return []
    planned = store.scan("panel").filter(pl.col("flag") == "ahead").select(pl.col("unique_id").unique()).collect()
    left_out = old.join(planned, on="unique_id", how="anti").sort("unique_id")
    if left_out.is_empty():
        return []
    names = ", ".join(left_out["unique_id"].head(SHOWN)) + (", ..." if left_out.height > SHOWN else "")
    never = int(left_out["last"].null_count())
    why = [f"{never:,} never had a number"] if never else []
    why += [f"{left_out.height - never:,} had none since {since}"] if never < left_out.height else []
    whose = f"{left_out.height:,} of {series.height:,} series ({names})"
    message = f"{whose} are not forecast: {' and '.join(why)}"
    return [Remark("series", f"{message}; rows for coming periods, with y left empty, announce a series", "forecast")]


def panel_facts(store: Store, config: Config) -> dict[str, Any]:
    """Facts about the panel as it is now: its rows, how many are observed and how many are filled gaps, how many were
    cleaned by flag, its series, first and last day, and freshness.
    """
    flags = dict(store.scan("panel").group_by("flag").len().collect(engine="streaming").iter_rows())
    keys, made = sum(flags.values()), flags.get("filled", 0)
    cleaned = {flag: flags[flag] for flag in cleaning.REPORTED_FLAGS if flag in flags}
    series = store.scan("series").collect()
    days = {"series": series.height, "first": str(series["first"].min()), "last": str(series["last"].max())}
    days["freshness"] = measure_freshness(series, config, date.today())
    return {"keys": keys, "filled": made, "observed": keys - made, "cleaned": cleaned} | days
