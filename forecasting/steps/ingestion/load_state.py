"""A load on its way: it starts from the last published one and is seen by nobody before it is published itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import LOADED_TABLES, tables
from forecasting.services.store import Store
from forecasting.services.store.draft import Draft, begin_draft
from forecasting.steps import identity, session


@dataclass(frozen=True)
class Load:
    """What a load works on: its config, its draft of the tables, and the row of `loads` that it starts from."""

    config: Config
    store: Draft
    before: dict[str, Any]

    @property
    def number(self) -> int:
        return int(self.before["load"]) + 1

    @property
    def last(self) -> date | None:
        """The newest day of which a sale was stored before."""
        day: date | None = self.before["last"]
        return day

    @property
    def buckets(self) -> int:
        return session.bucket_count_of(session.read_meta(self.store))

    @property
    def rules(self) -> str:
        """Identity of what makes a panel of rows: another one makes all of it anew."""
        config, keys = self.config, Config.keys_that_change("data")
        return f"{identity.hashed(config, keys)} {identity.code_of(('data',))} {config.id_columns}"


def root_of(config: Config) -> str:
    """The folder of the job's tables."""
    return f"{config.store.root.rstrip('/')}/{config.name}"


def begin(config: Config) -> Load:
    """A load on top of the newest published one; raises Overtaken when another seems to be at work (see Draft).

    The first load of all starts with publishing what is there: nothing, or tables from before there were loads.
    """
    bare = Store(root_of(config), tables(config))
    before = session.find_load(config, bare) or _first(bare)
    base = {name: before[name] for name in LOADED_TABLES} | {"loads": bare.version("loads")}
    store = begin_draft(bare, base)
    drivers = session.driver_types(session.read_meta(store))
    return Load(config, replace(store, tables=tables(config, drivers)), before)


def with_drivers(load: Load, kinds: dict[str, pl.DataType]) -> Load:
    """The load when its tables have these driver columns."""
    return replace(load, store=replace(load.store, tables=tables(load.config, kinds)))


def _first(store: Store) -> dict[str, Any]:
    row: dict[str, Any] = {name: store.version(name) for name in LOADED_TABLES}
    row |= {"load": 0, "published_at": datetime.now(UTC), "last": None, "rules": "", "rows_written": 0, "read": "[]"}
    store.merge("loads", _frame(store, row), ignore=("published_at",))
    return row


def publish(load: Load, last: date, rows_written: int, read: Sequence[str]) -> bool:
    """Make the load visible in one commit; False when it has changed nothing and none is needed.

    Raises Overtaken when another load was published meanwhile.
    """
    written = load.store.written_versions()
    versions = {name: written[name] for name in LOADED_TABLES}
    if all(load.before[name] == version for name, version in versions.items()) and load.before["rules"] == load.rules:
        return False
    row = {"load": load.number, "published_at": datetime.now(UTC), "last": last, "rules": load.rules}
    row |= {"rows_written": rows_written, "read": json.dumps(list(read))} | versions
    load.store.append("loads", _frame(load.store, row))
    return True


def _frame(store: Store, row: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([row], schema=store.tables["loads"].schema)
