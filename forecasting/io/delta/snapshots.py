"""Snapshots of Delta tables (one version each): `open_snapshot` takes a uri and returns one, or None if never written.

`scan` returns its rows as a lazy frame of a schema, `content_version` the version that last changed them, `last_commit`
who wrote last and how long ago. Reading only: commits has what writes.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from forecasting.columns import user_name
from forecasting.errors import UserError
from forecasting.io.storage import storage_options

__all__ = ["DeltaError", "Snapshot"]

MAINTENANCE = ("OPTIMIZE", "VACUUM", "SET TBLPROPERTIES")
"""Commits that leave the content as it is."""


class Snapshot(DeltaTable):
    """A Delta table at one version.

    Its local file names are decoded: deltalake writes a space or an umlaut in a folder name as %20 and the like, and
    Polars looks for the name as it stands on disk.
    """

    def file_uris(self, *args: Any, **kwargs: Any) -> list[str]:
        found: list[str] = super().file_uris(*args, **kwargs)
        root = self.table_uri.removeprefix("file://")
        if not self.table_uri.startswith("file://") or "%" not in root:
            return found
        return [unquote(root) + path.removeprefix(root) for path in found]


def open_snapshot(uri: str, version: int | None = None) -> Snapshot | None:
    """The newest snapshot of a table, or that of a version; None when the table was never written.

    Raises UserError when the place cannot be read, or the version is no longer kept.
    """
    try:
        return Snapshot(uri, version=version, storage_options=storage_options(uri))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        which = "" if version is None else f" at version {version}"
        raise UserError(
            f"The table at {uri} cannot be read{which} ({reason}): "
            "check store.root and, for s3://, the AWS_* variables of the environment."
        ) from error


def scan(snapshot: Snapshot | None, schema: pl.Schema) -> pl.LazyFrame:
    """The rows in the columns and types of the schema; columns that the table does not have yet are null.

    A column of a user that the program calls otherwise by now may be stored by the user's name.
    """
    if snapshot is None:
        return pl.LazyFrame(schema=schema)
    stored = pl.scan_delta(snapshot)
    folders = set(snapshot.metadata().partition_columns) - set(schema)  # no values of a user, whatever their name
    types = pl.Schema({c: kind for c, kind in stored.collect_schema().items() if c not in folders})
    return stored.select(_column(name, schema, types) for name in schema)


def _column(name: str, schema: pl.Schema, types: pl.Schema) -> pl.Expr:
    kind, earlier = schema[name], user_name(name)
    found = [c for c in (name, *([earlier] if earlier not in schema else [])) if c in types]
    if not found:
        return pl.lit(None, dtype=kind).alias(name)
    if found != [name]:
        return pl.coalesce(pl.col(found).cast(kind)).alias(name)
    return pl.col(name) if types[name] == kind else pl.col(name).cast(kind)


def stored_types(snapshot: Snapshot) -> pl.Schema:
    """The columns of the table and the types in which they are stored."""
    return pl.scan_delta(snapshot).collect_schema()


def content_version(snapshot: Snapshot) -> int:
    """The version that last changed the content: compaction and vacuum do not count, and restored content has the
    version from which it was restored.
    """
    for limit in (16, None):
        for commit in snapshot.history(limit):
            if commit["operation"] == "RESTORE":
                return int(commit["operationParameters"]["version"])
            if not str(commit["operation"]).startswith(MAINTENANCE):
                return int(commit["version"])
    return int(snapshot.version())


def has_all_files(snapshot: Snapshot) -> bool:
    """Whether no vacuum has removed a file of the snapshot."""
    files = snapshot.file_uris()
    try:
        if files:
            pl.scan_parquet(files, storage_options=storage_options(snapshot.table_uri)).select(pl.len()).collect()
    except (OSError, pl.exceptions.PolarsError):
        return False
    return True


def last_commit(snapshot: Snapshot) -> tuple[str | None, float]:
    """The writer of the snapshot's last commit, and its age in seconds."""
    commit = snapshot.history(1)[0]
    return commit.get("by"), time.time() - commit["timestamp"] / 1000
