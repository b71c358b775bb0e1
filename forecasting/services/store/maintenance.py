"""Upkeep of the tables: `compact` small files, `vacuum` old ones, and the `commit_history` of a table.

All take a Store. The first two rewrite or delete files and return nothing; today's rows stay, `vacuum` takes older
versions away for good. `commit_history` returns [version, at, operation, metrics].
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import polars as pl

from forecasting.io.delta.commits import commit_with_retries
from forecasting.services.store.store import Store

COMMITS = pl.Schema(
    [("version", pl.Int64()), ("at", pl.Datetime("ms", "UTC")), ("operation", pl.String()), ("metrics", pl.String())]
)


def compact(store: Store) -> None:
    """Merge the small files of every table; contents and data versions stay."""
    for name, table in store.tables.items():
        commit_with_retries(table, partial(_compact_table, store, name))


def vacuum(store: Store, retention_days: int) -> None:
    """Remove files that no version of the last days needs; older versions can no longer be read.

    Raises ValueError below one day: it would take files from readers and writers at work.
    """
    if retention_days < 1:
        raise ValueError(f"retention_days must be at least 1, not {retention_days}")
    for snapshot in filter(None, map(store.newest_snapshot, store.tables)):
        snapshot.vacuum(24 * retention_days, dry_run=False, enforce_retention_duration=False)


def commit_history(store: Store, name: str, /) -> pl.DataFrame:
    """The commits of a table, newest first: [version, at (UTC), operation, metrics (JSON)]."""
    snapshot = store.newest_snapshot(name)
    commits = [] if snapshot is None else snapshot.history()
    return pl.DataFrame([_commit_row(c) for c in commits], schema=COMMITS, orient="row")


def _compact_table(store: Store, name: str) -> None:
    if (snapshot := store.newest_snapshot(name)) is not None:
        snapshot.optimize.compact()


def _commit_row(entry: Mapping[str, Any]) -> tuple[int, int, str, str]:
    metrics = json.dumps(entry.get("operationMetrics", {}))
    return entry["version"], entry["timestamp"], entry["operation"], metrics
