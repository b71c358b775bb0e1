"""The state of a load: `begin_load` takes a Config and returns a Load, a draft on top of the last published state.

It stays invisible until `publish_load` adds its row to `loads`, in one commit; that returns False when nothing changed.
`open_shelf` gives a load room for the rows of large tables, `clear_shelf` removes what a killed one has left there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import sources
from forecasting.data.buckets import Shelf
from forecasting.data.schemas import LOADED_TABLES, tables
from forecasting.io import files
from forecasting.io.storage import is_remote
from forecasting.services.store import Store
from forecasting.services.store.draft import STEP, Draft, begin_draft, continue_panel, take_back_panel
from forecasting.services.store.scratch import keeping
from forecasting.services.store.unfinished import Progress, unfinished_work
from forecasting.steps import identity, session

ROWS_AT_ONCE = 1_000_000
"""Larger tables are read in parts of so many rows."""
REBUILT = "rebuilt"
"""The key of the table `meta` under which is noted from what the panel was rebuilt."""
SHELF = ".unfinished/rows"
"""The folder of the store in which the rows of a large table lie until they are in the panel."""


@dataclass(frozen=True)
class Load:
    """A load in progress: its config, its draft of the tables, and the row of `loads` that it starts from."""

    config: Config
    store: Draft
    before: dict[str, Any]

    @property
    def number(self) -> int:
        """The number under which the load is published."""
        return int(self.before["load"]) + 1

    @property
    def last(self) -> date | None:
        """The newest day with a stored sale; None before the first load."""
        day: date | None = self.before["last"]
        return day

    @property
    def buckets(self) -> int:
        """The number of buckets of the panel; 0 before the first load."""
        return session.bucket_count_of(session.read_meta(self.store))

    @property
    def rules(self) -> str:
        """Identity of the rules that turn rows into a panel: after a change the panel is rebuilt."""
        config, keys = self.config, Config.keys_that_change("data")
        return f"{identity.hashed(config, keys)} {identity.code_of(('data',))} {config.id_columns}"


def tables_root(config: Config) -> str:
    """The folder of the job's tables."""
    return f"{config.store.root.rstrip('/')}/{config.name}"


def begin_load(config: Config) -> Load:
    """A load on top of the newest published one; raises Overtaken when another seems to be at work (see Draft).

    The first load of all starts with publishing what is there: nothing, or tables from before there were loads.
    """
    bare = Store(tables_root(config), tables(config))
    before = session.find_load(config, bare) or _publish_first(bare)
    base = {name: before[name] for name in LOADED_TABLES} | {"loads": bare.version("loads")}
    store = begin_draft(bare, base)
    meta = session.read_meta(store)
    drivers = session.driver_types(meta)
    return Load(
        config.with_stored_formats(known_formats(config, meta)), replace(store, tables=tables(config, drivers)), before
    )


def with_published_panel(load: Load) -> Load:
    """The load on top of the published panel, whatever a killed load has left."""
    return replace(load, store=take_back_panel(load.store))


@contextmanager
def rebuilding(load: Load, key: str) -> Iterator[tuple[Load, Progress]]:
    """The load while its panel is rebuilt from what `key` identifies, and the buckets that a killed load has done."""
    with unfinished_work(load.store, STEP, f"{key} {load.before['load']} {load.buckets} {_rules(load)}") as progress:
        yield replace(load, store=continue_panel(load.store, progress)), progress


def was_rebuilt(load: Load, key: str) -> bool:
    """Whether the load before this one has rebuilt the panel from what `key` identifies, by the same rules: to do so
    once more, when a large file is read again or a run goes on that was killed in a later step, would change nothing.
    """
    return session.read_meta(load.store).get(REBUILT) == _rebuilt(load, key)


def note_rebuilt(load: Load, key: str | None) -> None:
    """Note with the load from what it has rebuilt the panel; None for one that comes on top of others."""
    rebuilt = "" if key is None else _rebuilt(load, key)
    if session.read_meta(load.store).get(REBUILT, "") != rebuilt:
        load.store.merge("meta", pl.DataFrame({"key": [REBUILT], "value": [rebuilt]}))


def _rebuilt(load: Load, key: str) -> str:
    return f"{key} {_rules(load)} {dict(load.store.tables['panel'].schema)}"


def _rules(load: Load) -> str:
    return f"{load.rules} {identity.code_of(identity.ALL_CODE)}"


def known_formats(config: Config, meta: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """How the loads of the table `meta` found columns to be written, by source and column; drivers that they stored as
    texts stay texts.
    """
    texts = {c for c, kind in session.driver_types(meta).items() if kind == pl.String}
    texts &= {*config.columns.known_ahead, *config.columns.known_after}
    named = {"source": dict.fromkeys(texts, sources.TEXT_FORMAT)}
    for name, table in config.tables.items():
        named[f"tables.{name}"] = {column: sources.TEXT_FORMAT for c, column in table.columns.items() if c in texts}
    return sources.merge_formats(named, session.stored_formats(meta))


@contextmanager
def open_shelf(load: Load) -> Iterator[Shelf]:
    """A shelf for the rows of large tables, beside the tables of the load; of a store elsewhere, on this machine."""
    buckets = load.buckets or (1 if load.config.store.buckets == "auto" else load.config.store.buckets)
    with keeping(None if is_remote(load.store.root) else _shelf_folder(load.store)) as keep:
        yield Shelf(keep, ROWS_AT_ONCE, buckets)


def clear_shelf(store: Store) -> None:
    """Remove what a killed load has left on its shelf; no load is at work."""
    if not is_remote(store.root):
        files.remove(_shelf_folder(store))


def _shelf_folder(store: Store) -> str:
    return f"{store.root.rstrip('/')}/{SHELF}"


def with_drivers(load: Load, kinds: dict[str, pl.DataType]) -> Load:
    """The load with these driver columns (name -> type) in its tables."""
    return replace(load, store=replace(load.store, tables=tables(load.config, kinds)))


def _publish_first(store: Store) -> dict[str, Any]:
    row: dict[str, Any] = {name: store.version(name) for name in LOADED_TABLES}
    row |= {"load": 0, "published_at": datetime.now(UTC), "last": None, "rules": "", "rows_written": 0, "read": "[]"}
    store.merge("loads", _load_row(store, row), ignore=("published_at",))
    return row


def publish_load(load: Load, last: date, rows_written: int, read: Sequence[str]) -> bool:
    """Make the load visible in one commit; False when it has changed nothing and none is needed.

    Raises Overtaken when another load was published meanwhile.
    """
    written = load.store.written_versions()
    versions = {name: written[name] for name in LOADED_TABLES}
    if all(load.before[name] == version for name, version in versions.items()) and load.before["rules"] == load.rules:
        return False
    row = {"load": load.number, "published_at": datetime.now(UTC), "last": last, "rules": load.rules}
    row |= {"rows_written": rows_written, "read": json.dumps(list(read))} | versions
    load.store.append("loads", _load_row(load.store, row))
    return True


def _load_row(store: Store, row: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([row], schema=store.tables["loads"].schema)
