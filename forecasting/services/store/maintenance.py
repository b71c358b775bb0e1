"""Upkeep of the tables: `compact` small files, `vacuum` old ones, and the `commit_history` of a table.

All take a Store. The first two rewrite or delete files and return {table: number of files}, where there were any;
today's rows stay, `vacuum` takes older versions away for good. `commit_history` returns [version, at, operation,
metrics].
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import polars as pl

from forecasting.io.delta.commits import commit_with_retries
from forecasting.io.delta.snapshots import Snapshot
from forecasting.io.storage import list_files
from forecasting.services.store.store import Store

COMMITS = pl.Schema(
    [("version", pl.Int64()), ("at", pl.Datetime("ms", "UTC")), ("operation", pl.String()), ("metrics", pl.String())]
)
MANY_FILES = 16
"""A folder with more files than this is compacted. Fewer would be read faster and rewritten more often."""
SHORTEST_RETENTION = 1
"""Days: a shorter one would take files from readers and writers at work."""
LOG = ("delta.logRetentionDuration", "delta.deletedFileRetentionDuration")
"""How long Delta itself remembers versions and removed files: a month and a week, unless a table says otherwise."""


def compact(store: Store, more_than: int = MANY_FILES) -> dict[str, int]:
    """Merge the small files of folders with more than so many; contents and data versions stay.

    A large file stays as it is until the small ones together have its size, so that a row is rewritten once for each
    doubling of its folder and not every night.
    """
    merged = {
        name: commit_with_retries(table, partial(_compact_table, store, name, more_than))
        for name, table in store.tables.items()
    }
    return {name: files for name, files in merged.items() if files}


def vacuum(store: Store, retention_days: int, keep: Mapping[str, Collection[int]] | None = None) -> dict[str, int]:
    """Remove files that no version of the last days needs; older versions can no longer be read.

    The versions `keep` {table: versions} stay readable, however old they are. What a killed process has left without
    a commit goes, too, once it is as old. Raises ValueError below SHORTEST_RETENTION.
    """
    if retention_days < SHORTEST_RETENTION:
        raise ValueError(f"retention_days must be at least {SHORTEST_RETENTION}, not {retention_days}")
    found = {name: snapshot for name in store.tables if (snapshot := store.newest_snapshot(name)) is not None}
    kept = keep or {}
    removed = {
        name: _vacuum_table(snapshot, store.uri(name), retention_days, kept.get(name, ()))
        for name, snapshot in found.items()
    }
    return {name: files for name, files in removed.items() if files}


def commit_history(store: Store, name: str, /) -> pl.DataFrame:
    """The commits of a table, newest first: [version, at (UTC), operation, metrics (JSON)]."""
    snapshot = store.newest_snapshot(name)
    commits = [] if snapshot is None else snapshot.history()
    return pl.DataFrame([_commit_row(c) for c in commits], schema=COMMITS, orient="row")


def _compact_table(store: Store, name: str, more_than: int) -> int:
    snapshot = store.newest_snapshot(name)
    if snapshot is None:
        return 0
    merged = 0
    for filters, size in _crowded_folders(snapshot, more_than):
        merged += int(snapshot.optimize.compact(filters or None, target_size=size)["numFilesRemoved"])
    return merged


def _crowded_folders(snapshot: Snapshot, more_than: int) -> Iterator[tuple[list[Any], int]]:
    """Filters of folders with too many files, and up to what size their files are merged (see `compact`)."""
    folders = snapshot.metadata().partition_columns
    files = pl.DataFrame(snapshot.get_add_actions(flatten=True))
    if files.is_empty():
        return
    named = {c: pl.col(f"partition.{c}").cast(pl.String) for c in folders}
    sizes = files.select(pl.col("size_bytes").alias("_size"), pl.lit("").alias("_table"), **named).drop_nulls()
    by, size = ["_table", *folders], pl.col("_size")
    rank, smaller = pl.int_range(pl.len()).over(by), (size.cum_sum() - size).over(by)
    sizes = sizes.sort(*by, "_size").with_columns(_stays=(rank >= more_than) & (size > smaller))
    merged = sizes.filter(pl.len().over(by) > more_than, (pl.col("_stays").cum_sum() == 0).over(by))
    if merged.is_empty():
        return
    if not folders:
        yield [], int(merged["_size"].sum())
        return
    crowded = merged.group_by(folders, maintain_order=True).agg(pl.col("_size").sum())
    many = max(folders, key=lambda c: crowded[c].n_unique())  # one commit for all of its values
    rest = [c for c in folders if c != many]
    for part in crowded.partition_by(rest, maintain_order=True) if rest else [crowded]:
        filters = [(many, "in", part[many].to_list()), *((c, "=", part[c][0]) for c in rest)]
        yield filters, int(part["_size"].sort()[-1])


def _vacuum_table(snapshot: Snapshot, folder: str, days: int, keep: Collection[int]) -> int:
    """Remove the files, and return how many; a table without any gets no commit.

    Delta names files that it has removed before as well, for as long as its log tells of them.
    """
    wanted = dict.fromkeys(LOG, f"interval {days} days")
    if any(snapshot.metadata().configuration.get(name) != value for name, value in wanted.items()):
        snapshot.alter.set_table_properties(wanted)
    words: dict[str, Any] = {"retention_hours": 24 * days, "enforce_retention_duration": False, "full": True}
    words |= {"keep_versions": sorted(keep)} if keep else {}
    there = {file.name for file in list_files(folder)}
    doomed = sum(path.rsplit("/", 1)[-1] in there for path in snapshot.vacuum(dry_run=True, **words))
    if doomed:
        snapshot.vacuum(dry_run=False, **words)
    return doomed


def _commit_row(entry: Mapping[str, Any]) -> tuple[int, int, str, str]:
    metrics = json.dumps(entry.get("operationMetrics", {}))
    return entry["version"], entry["timestamp"], entry["operation"], metrics
