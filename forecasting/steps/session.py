"""Open what a job works on: its tables, its registry and its panel."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.schemas import LOADED_TABLES, tables
from forecasting.errors import UserError
from forecasting.features import calendar
from forecasting.services import engine
from forecasting.services.registry import Registry
from forecasting.services.store import Store

if TYPE_CHECKING:
    pass


KINDS: dict[str, pl.DataType] = {"String": pl.String(), "Float64": pl.Float64()}


def open_store(config: Config) -> Store:
    """The job's tables, under store.root / name, as the newest published load left them, or that of data_version."""
    bare = Store(f"{config.store.root.rstrip('/')}/{config.name}", tables(config))
    load = load_of(config, bare)
    pinned = replace(bare, pins={name: load[name] for name in LOADED_TABLES}, load=load["load"]) if load else bare
    return with_drivers(config, pinned)


def load_of(config: Config, store: Store) -> dict[str, Any] | None:
    """The row of `loads` that is read: the newest, or that of data_version; None where no load has begun.

    Raises UserError when there is none of that number any more, or never was.
    """
    loads = store.scan("loads").collect().sort("load")
    asked = config.data_version
    if asked is None:
        return loads.row(-1, named=True) if loads.height else None
    found = loads.filter(pl.col("load") == asked)
    if found.is_empty():
        newest = loads["load"].to_list()[-1:] or ["none"]
        raise config.fault("data_version", f"there is no load {asked} (the newest is {newest[0]}): give another number")
    load = found.row(0, named=True)
    lost = [t for t in LOADED_TABLES if load[t] is not None and not store.is_readable(t, load[t])]
    if lost:
        raise config.fault(
            "data_version",
            f"the files of load {asked} are not kept any more (store.retention says for how long they are): "
            "give a later number",
        )
    return load


def with_drivers(config: Config, store: Store) -> Store:
    """The store with the driver columns that `meta` tells."""
    known = store.scan("meta").filter(pl.col("key") == "drivers").collect()
    drivers = json.loads(known["value"][0]) if known.height else {}
    return replace(store, tables=tables(config, {name: KINDS[kind] for name, kind in drivers.items()}))


def open_registry(config: Config) -> Registry:
    """The job's runs and bundle versions."""
    return Registry(config.tracking.uri, config.tracking.artifacts, config.name)


@dataclass(frozen=True)
class BucketScan:
    """Rows of a bucket at one version of the panel; picklable, so that other processes can scan too."""

    store: Store
    version: int

    def __call__(self, bucket: int) -> pl.LazyFrame:
        return self.store.scan("panel", version=self.version, bucket=bucket)


def open_panel(config: Config, store: Store) -> Panel:
    """The panel as it is now; raises UserError when nothing was loaded yet, or when the config does not fit to it."""
    version = store.version("panel")
    if version is None:
        raise UserError(f"{config.name}: no data are loaded yet; run `demandcast ingest` with this config first")
    same_freq(config, store)
    _has_rules(config, store)
    calendar.check_places(config)
    buckets = tuple(range(bucket_number(store)))
    groups = store.scan("groups").collect().sort("group", "ds")
    workers = min(os.cpu_count() or 1, len(buckets))
    scan, each = BucketScan(store, version), partial(engine.run, workers=workers)
    return Panel(config, scan, buckets, groups, each, store.scan("events").collect())


def rows_of(panel: Panel) -> int:
    """Rows of the panel."""
    return sum(int(part.item()) for part in pl.collect_all([panel.scan(b).select(pl.len()) for b in panel.buckets]))


def same_freq(config: Config, store: Store) -> dict[str, str]:
    """What the table `meta` tells of the loads before; raises UserError when they were of another frequency."""
    meta = dict(store.scan("meta").select("key", "value").collect().iter_rows())
    now = config.frequency.every
    before = meta.get("freq", now)
    if before != now and store.version("panel") is not None:
        raise config.fault(
            "freq", f"{store.root} was loaded with freq {before}: set that, or another name or store.root and ingest"
        )
    return meta


def _has_rules(config: Config, store: Store) -> None:
    """Raise UserError for a rule of `future` that is no number where the column is one."""
    kinds = store.tables["panel"].schema
    for column, rule in config.future.items():
        if kinds.get(column) == pl.Float64 and isinstance(rule, str) and rule.startswith("="):
            raise config.fault(f"future.{column}", f"{column} holds numbers, and {rule!r} is a text: give a number")


def bucket_number(store: Store) -> int:
    """How many buckets the panel was made with; 0 before."""
    found = store.scan("meta").filter(pl.col("key") == "buckets").collect()
    return int(found["value"][0]) if found.height else 0


def cutoff_of(panel: Panel, asked: date | None) -> date:
    """The newest day with an observation in any series; when a day is `asked`, the newest period of the panel by then.

    Any day of a month or a week may be asked. Raises UserError when there is none.
    """
    known = pl.col("y").is_not_null() if asked is None else (pl.col("ds") <= asked) & (pl.col("flag") != "ahead")
    parts = pl.collect_all([panel.scan(b).filter(known).select(pl.col("ds").max()) for b in panel.buckets])
    days = [day for part in parts if (day := part.item()) is not None]
    if not days:
        if asked is None:
            raise UserError(
                f"{panel.config.name}: nothing was observed: every row is closed, out of stock or without a number; "
                "look at the columns that columns.open and columns.stock name"
            )
        raise UserError(
            f"{panel.config.name}: nothing was observed by {asked}; load older data, or give a later --cutoff"
        )
    found: date = max(days)
    return found
