"""A session: what a step, a command or a request to a page works on; `open_session` makes it of a Config.

It gives config, store, panel, model registry and vintages (published forecasts); the tables that a load writes are read
at the versions of one load, which `find_load` finds: the newest, or that of data_version. Opening writes no table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import polars as pl

from forecasting.columns import column_name
from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.schemas import LOADED_TABLES, tables
from forecasting.errors import UserError
from forecasting.features import calendar
from forecasting.services.accounts.identity import Role, allows
from forecasting.services.engine import build_engine
from forecasting.services.store import Store
from forecasting.services.store.formats import check_store_format
from forecasting.services.store.scans import BucketScan, TableScan
from forecasting.services.store.vintages import published_vintages
from forecasting.services.tracking.registry import Registry

DRIVER_TYPES: dict[str, pl.DataType] = {"String": pl.String(), "Float64": pl.Float64()}
"""The types of driver columns, by the names that the table `meta` holds."""


@dataclass(frozen=True)
class Session:
    """A job as it was when the session was opened: its config, and its tables at the versions of one load.

    `meta` is the table of that name, `user` and `role` are who works here. Panel, registry and vintages are opened when
    they are first used, and then kept: whatever is read through one session belongs together.
    """

    config: Config
    store: Store
    meta: Mapping[str, str]
    user: str = "local"
    role: str = "admin"

    @cached_property
    def panel(self) -> Panel:
        """All series; raises UserError when nothing was loaded yet, or when the config does not fit the loaded data."""
        return _panel(self)

    @cached_property
    def registry(self) -> Registry:
        """The job's runs and bundle versions."""
        return open_registry(self.config)

    @cached_property
    def vintages(self) -> pl.DataFrame:
        """The published vintages [cutoff, version, champion, recipe, ...], the newest first."""
        return published_vintages(self.store)

    @property
    def bucket_count(self) -> int:
        """How many buckets the panel was made with; 0 before the first load."""
        return bucket_count_of(self.meta)

    def require(self, role: Role) -> None:
        """Raise UserError when who works here may not do what needs this role."""
        if not allows(self.role, role):
            raise UserError(f"this needs the role {role}, and {self.user} is {self.role}")

    def with_config(self, config: Config) -> Session:
        """The same data, worked on with another config of the same job."""
        return replace(self, config=config)


def open_session(config: Config, user: str = "local", role: str = "admin") -> Session:
    """The job's tables as the newest published load left them, or that of `data_version`.

    Raises UserError when there is no load of that number.
    """
    store = _pinned_store(config)
    meta = read_meta(store)
    return Session(config, replace(store, tables=tables(config, driver_types(meta))), meta, user, role)


def at_load(session: Session, load: int | None) -> Session:
    """The session with the data of a load; raises UserError where these are not kept any more."""
    if load == session.store.load:
        return session
    return open_session(session.config.model_copy(update={"data_version": load}), session.user, session.role)


def open_registry(config: Config) -> Registry:
    """The job's runs and bundle versions."""
    return Registry(config.tracking.uri, config.tracking.artifacts, config.name)


def _pinned_store(config: Config) -> Store:
    """The tables under store.root / name, those that a load writes at the versions that the load names."""
    store = Store(f"{config.store.root.rstrip('/')}/{config.name}", tables(config))
    load = find_load(config, store)
    return replace(store, pins={name: load[name] for name in LOADED_TABLES}, load=load["load"]) if load else store


def find_load(config: Config, store: Store) -> dict[str, Any] | None:
    """The row of `loads` to read: the newest, or that of data_version; None before the first load.

    Raises UserError when data_version names a load that never was, or whose files are no longer kept.
    """
    loads = store.scan("loads").collect().sort("load")
    number = config.data_version
    if number is None:
        return loads.row(-1, named=True) if loads.height else None
    found = loads.filter(pl.col("load") == number)
    if found.is_empty():
        newest = loads["load"].to_list()[-1:] or ["none"]
        raise config.fault(
            "data_version", f"there is no load {number} (the newest is {newest[0]}): give another number"
        )
    load = found.row(0, named=True)
    lost = [t for t in LOADED_TABLES if load[t] is not None and not store.is_readable(t, load[t])]
    if lost:
        raise config.fault(
            "data_version",
            f"the files of load {number} are not kept any more (store.retention says for how long they are): "
            "give a later number",
        )
    return load


def read_meta(store: Store) -> dict[str, str]:
    """The table `meta`, by key: format, buckets, drivers, freq, unique_id and formats of the loads so far.

    Raises UserError when a newer program has written the tables.
    """
    meta = dict(store.scan("meta").select("key", "value").collect().iter_rows())
    check_store_format(meta, store.root)
    return meta


def driver_types(meta: Mapping[str, str]) -> dict[str, pl.DataType]:
    """The types of the driver columns that were loaded."""
    return {column_name(name): DRIVER_TYPES[kind] for name, kind in json.loads(meta.get("drivers", "{}")).items()}


def stored_formats(meta: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """How the loads so far found columns to be written, {`source` or `tables.<name>`: {column: format}}."""
    formats: dict[str, dict[str, str]] = json.loads(meta.get("formats", "{}"))
    return formats


def bucket_count_of(meta: Mapping[str, str]) -> int:
    """How many buckets the panel was made with; 0 before the first load."""
    return int(meta.get("buckets", 0))


def check_freq(config: Config, store: Store, meta: Mapping[str, str]) -> None:
    """Raise UserError when the loads so far were of another frequency than the config's."""
    now = config.frequency.every
    before = meta.get("freq", now)
    if before != now and store.version("panel") is not None:
        raise config.fault(
            "freq", f"{store.root} was loaded with freq {before}: set that, or another name or store.root and ingest"
        )


def _panel(session: Session) -> Panel:
    config, store = session.config, session.store
    version = store.version("panel")
    if version is None:
        raise UserError("no data are loaded yet", where=config.name, needs="ingest")
    check_freq(config, store, session.meta)
    _check_future_rules(config, store)
    calendar.check_places(config)
    buckets = tuple(range(session.bucket_count))
    rows, groups = BucketScan(store, version), TableScan(store, "groups", ("group", "ds"))
    events, series = (TableScan(store, name) for name in ("events", "series"))
    return Panel(config, rows, buckets, groups, build_engine(config), events, series=series)


def _check_future_rules(config: Config, store: Store) -> None:
    """Raise UserError for a rule of `future` that is no number where the column is one."""
    kinds = store.tables["panel"].schema
    for column, rule in config.future.items():
        if kinds.get(column) == pl.Float64 and isinstance(rule, str) and rule.startswith("="):
            raise config.fault(f"future.{column}", f"{column} holds numbers, and {rule!r} is a text: give a number")
