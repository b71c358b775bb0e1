"""Commits to Delta tables: create, append, upsert, delete, overwrite, restore; each writes once and returns nothing.

They take a Snapshot (`create` a uri) and mostly a frame of rows. A commit lands right behind its snapshot, or raises
CommitFailedError because another process was quicker: `commit_with_retries` repeats a function that opens a snapshot
and commits, and returns its result. `writer` names the process and is stored with the commit.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import polars as pl
from deltalake import CommitProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.table import TableMerger

from forecasting.errors import UserError
from forecasting.io.delta import conditions
from forecasting.io.delta.rows import keep_apart
from forecasting.io.delta.snapshots import Snapshot, open_snapshot
from forecasting.io.storage import storage_options
from forecasting.io.table import Table

__all__ = ["CommitFailedError"]

T = TypeVar("T")

TRIES = 20
"""How often a write that lost against another one is repeated, over about half a minute."""


def create(uri: str, table: Table, frame: pl.DataFrame, writer: str | None = None) -> None:
    """Write a table that does not exist yet. Raises CommitFailedError when another process was quicker."""
    rows, folders = frame.with_columns(**table.apart), [*table.partition, *table.apart]
    write = partial(write_deltalake, uri, rows, mode="error", partition_by=folders or None)
    try:
        write(storage_options=storage_options(uri), commit_properties=_properties(writer))
    except DeltaError as error:
        if open_snapshot(uri) is None:
            raise
        raise CommitFailedError(str(error)) from error


def append(snapshot: Snapshot, table: Table, rows: pl.DataFrame, writer: str | None = None) -> None:
    """Add the rows as they are, without looking for their keys."""
    rows = keep_apart(rows, table, snapshot)
    write_deltalake(snapshot, rows, mode="append", schema_mode="merge", commit_properties=_properties(writer))


def upsert(snapshot: Snapshot, table: Table, rows: pl.DataFrame, writer: str | None = None) -> None:
    """Insert the rows with new keys and update those with stored ones."""
    rows = keep_apart(rows, table, snapshot)
    columns = {f"`{c}`": f"s.`{c}`" for c in rows.columns}
    merger = _merger(snapshot, table, rows, writer)
    merger.when_matched_update(columns).when_not_matched_insert(columns).execute()


def delete(snapshot: Snapshot, table: Table, rows: pl.DataFrame, writer: str | None = None) -> None:
    """Delete the stored rows that have the keys of these."""
    _merger(snapshot, table, rows, writer).when_matched_delete().execute()


def overwrite(
    snapshot: Snapshot, table: Table, frame: pl.DataFrame, equals: Mapping[str, Any], writer: str | None = None
) -> None:
    """Put the frame in place of the rows that match `equals` (of all rows, when it is empty), in one commit."""
    where = conditions.sql(equals) or None
    if frame.is_empty():
        snapshot.delete(where, commit_properties=_properties(writer))
        return
    rows = keep_apart(frame, table, snapshot)
    write = partial(write_deltalake, snapshot, rows, mode="overwrite", predicate=where, schema_mode="merge")
    write(commit_properties=_properties(writer))


def restore(snapshot: Snapshot, version: int | None, writer: str | None = None) -> None:
    """Set the content back to that of a version (None: empty), in one commit that writes no data file."""
    if version is None:
        snapshot.delete(commit_properties=_properties(writer))
    else:
        snapshot.restore(version, commit_properties=_properties(writer))


def commit_with_retries(table: Table, attempt: Callable[[], T]) -> T:
    """The result of the attempt; after a lost race it is repeated from a fresh snapshot, after a growing pause.

    Raises UserError when it loses every time, and when the place cannot be written at all.
    """
    for tried in range(TRIES):
        try:
            return attempt()
        except CommitFailedError:
            time.sleep(random.uniform(0.5, 1.0) * min(2.0, 0.02 * 2**tried))
        except (TableNotFoundError, PermissionError, NotADirectoryError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"The table {table.name} cannot be written ({reason}): "
                "store.root must be a folder that you may write to, or s3://..."
            ) from error
    raise UserError(
        f"Table {table.name} could not be written because another process writes to it all the time: "
        "end the other run, or wait for it, and start again."
    )


def _properties(writer: str | None) -> CommitProperties:
    return CommitProperties(max_commit_retries=0, custom_metadata={"by": writer} if writer else None)


def _merger(snapshot: Snapshot, table: Table, rows: pl.DataFrame, writer: str | None) -> TableMerger:
    names: dict[str, Any] = {"source_alias": "s", "target_alias": "t", "merge_schema": True}
    condition = conditions.sql_same_key(rows, table)
    return snapshot.merge(rows, condition, **names, commit_properties=_properties(writer))
