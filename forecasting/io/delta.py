"""Delta Lake in small words: open, read, write, try again. Only `store` speaks to it.

What was learned by running it (deltalake 1.6, Polars 2.1):

- Predicates are SQL of DataFusion. A date needs `DATE '...'`, a column backticks (else its capitals are lost).
- A merge or a predicate overwrite from an old snapshot fails with CommitFailedError as soon as another commit touched
  files inside its predicate, and lands when it did not: so the work is done again from a fresh snapshot (`persist`).
- Of two creators at once the slower one's rows are silently appended (seen in 31 of 40 races), unless the commit may
  not be retried; a moment later it gets a plain DeltaError instead of a CommitFailedError.
- A merge casts its source silently to the stored types (1.5 becomes 1 in an integer column):
  `delta_rows.fitting` refuses that.
- s3:// works by the same calls, by the variables that data/places.py names. Commits need a store with conditional
  puts (If-None-Match).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any, TypeVar

import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.table import TableMerger

from forecasting.errors import UserError
from forecasting.io.snapshots import Snapshot
from forecasting.io.storage import storage
from forecasting.io.table import Table

T = TypeVar("T")

TRIES = 20
"""How often a write that lost against another one is done again, over about half a minute."""

MAINTENANCE = ("OPTIMIZE", "VACUUM")
"""Commits that leave the content as it is."""


def opened(uri: str, version: int | None = None) -> DeltaTable | None:
    """The table's snapshot (the newest, or that of a version); None when it was never written.

    Raises UserError when the place cannot be read, or the version is not kept any more.
    """
    try:
        return Snapshot(uri, version=version, storage_options=storage(uri))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        told = " ".join(str(error).split())[:200]
        which = "" if version is None else f" at version {version}"
        raise UserError(
            f"The table at {uri} cannot be read{which} ({told}): "
            "check store.root and, for s3://, the AWS_* variables of the environment."
        ) from error


def data_version(snapshot: DeltaTable) -> int:
    """The version that last changed the content: compaction and vacuum do not count, and restored content is that of
    the version that it was taken from.
    """
    for limit in (16, None):
        for commit in snapshot.history(limit):
            if commit["operation"] == "RESTORE":
                return int(commit["operationParameters"]["version"])
            if not str(commit["operation"]).startswith(MAINTENANCE):
                return int(commit["version"])
    return int(snapshot.version())


def is_whole(snapshot: DeltaTable) -> bool:
    """Whether no vacuum has taken a file of the snapshot."""
    files = snapshot.file_uris()
    try:
        if files:
            pl.scan_parquet(files, storage_options=storage(snapshot.table_uri)).select(pl.len()).collect()
    except (OSError, pl.exceptions.PolarsError):
        return False
    return True


def signed(by: str | None) -> CommitProperties:
    """A commit that lands right behind the snapshot that it was made from or not at all; it tells whose it is."""
    return CommitProperties(max_commit_retries=0, custom_metadata={"by": by} if by else None)


def signature(snapshot: DeltaTable) -> tuple[str | None, float]:
    """Whose the snapshot's last commit is, and how many seconds ago it landed."""
    commit = snapshot.history(1)[0]
    return commit.get("by"), time.time() - commit["timestamp"] / 1000


def read(snapshot: DeltaTable | None, schema: pl.Schema) -> pl.LazyFrame:
    """The snapshot in the columns and types of the schema; columns it does not have yet are null."""
    if snapshot is None:
        return pl.LazyFrame(schema=schema)
    stored = pl.scan_delta(snapshot)
    types = stored.collect_schema()
    return stored.select(_column(name, kind, types) for name, kind in schema.items())


def _column(name: str, kind: pl.DataType, types: pl.Schema) -> pl.Expr:
    if name not in types:
        return pl.lit(None, dtype=kind).alias(name)
    return pl.col(name) if types[name] == kind else pl.col(name).cast(kind)


def matching(equals: Mapping[str, Any]) -> list[pl.Expr]:
    """Polars conditions: a column equals a value, is one of several, or is null (None)."""
    return [_matches(column, value) for column, value in equals.items()]


def _matches(column: str, value: Any) -> pl.Expr:
    if value is None:
        return pl.col(column).is_null()
    return pl.col(column).is_in(list(value)) if _several(value) else pl.col(column) == value


def predicate(equals: Mapping[str, Any]) -> str:
    """The same conditions in SQL with literal values, without which Delta cannot skip files."""
    return " AND ".join(condition(f"`{column}`", value) for column, value in equals.items())


def condition(column: str, value: Any) -> str:
    """One condition in SQL; `column` comes quoted."""
    if value is None:
        return f"{column} IS NULL"
    if _several(value):
        return f"{column} IN ({', '.join(_literal(v) for v in value)})"
    return f"{column} = {_literal(value)}"


def _several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if type(value) is date:
        return f"DATE '{value}'"
    if isinstance(value, int | float):
        return repr(value).lower()
    raise TypeError(f"a slice of a table cannot be told by {value!r}: use text, a number, a boolean or a date")


def bounds(frame: pl.DataFrame, table: Table) -> tuple[dict[str, list[Any]], dict[str, tuple[Any, Any]]]:
    """What surely holds for the stored twins of these rows: values of partition columns, ranges of dates.

    Only columns that the key decides count: its own, and the bucket (a hash of unique_id).
    """
    decided = {*table.key, "bucket"} & set(table.schema)
    values = {c: frame[c].unique().sort().to_list() for c in table.partition if c in decided}
    dates = [c for c in table.key if table.schema[c] == pl.Date and c not in values]
    return values, {c: (frame[c].min(), frame[c].max()) for c in dates}


def upsert(snapshot: DeltaTable, table: Table, rows: pl.DataFrame, by: str | None = None) -> None:
    """Merge the rows by key. Raises CommitFailedError when somebody else committed meanwhile."""
    columns = {f"`{c}`": f"s.`{c}`" for c in rows.columns}
    merger = _merger(snapshot, table, rows, by)
    merger.when_matched_update(columns).when_not_matched_insert(columns).execute()


def remove(snapshot: DeltaTable, table: Table, rows: pl.DataFrame, by: str | None = None) -> None:
    """Delete the rows with the keys of these. Raises CommitFailedError as `upsert` does."""
    _merger(snapshot, table, rows, by).when_matched_delete().execute()


def _merger(snapshot: DeltaTable, table: Table, rows: pl.DataFrame, by: str | None) -> TableMerger:
    names: dict[str, Any] = {"source_alias": "s", "target_alias": "t", "merge_schema": True}
    return snapshot.merge(rows, _twins(rows, table), **names, commit_properties=signed(by))


def append(snapshot: DeltaTable, rows: pl.DataFrame, by: str | None = None) -> None:
    """Add the rows as they are. Raises CommitFailedError as `upsert` does."""
    write_deltalake(snapshot, rows, mode="append", schema_mode="merge", commit_properties=signed(by))


def reset(snapshot: DeltaTable, version: int | None, by: str | None = None) -> None:
    """Make the table's content again what it was at a version (None: nothing), in one commit without a file written."""
    if version is None:
        snapshot.delete(commit_properties=signed(by))
    else:
        snapshot.restore(version, commit_properties=signed(by))


def _twins(rows: pl.DataFrame, table: Table) -> str:
    values, ranges = bounds(rows, table)
    same = [f"t.`{c}` = s.`{c}`" for c in table.key]
    listed = [condition(f"t.`{c}`", v) for c, v in values.items()]
    spans = [f"t.`{c}` BETWEEN {_literal(lo)} AND {_literal(hi)}" for c, (lo, hi) in ranges.items()]
    return " AND ".join(same + listed + spans)


def create(uri: str, table: Table, frame: pl.DataFrame, by: str | None = None) -> None:
    """Write a table that is not there yet. Raises CommitFailedError when another was quicker."""
    write = partial(write_deltalake, uri, frame, mode="error", partition_by=list(table.partition) or None)
    try:
        write(storage_options=storage(uri), commit_properties=signed(by))
    except DeltaError as error:
        if opened(uri) is None:
            raise
        raise CommitFailedError(str(error)) from error


def append_next(snapshot: DeltaTable, frame: pl.DataFrame) -> None:
    """Add rows as the very next commit; raises CommitFailedError when another one was quicker."""
    alone = CommitProperties(max_commit_retries=0)
    write_deltalake(snapshot, frame, mode="append", schema_mode="merge", commit_properties=alone)


def overwrite(snapshot: DeltaTable, frame: pl.DataFrame, equals: Mapping[str, Any], by: str | None = None) -> None:
    """Put the frame in place of the slice told by `equals` (of everything, without), in one commit."""
    where = predicate(equals) or None
    if frame.is_empty():
        snapshot.delete(where, commit_properties=signed(by))
        return
    write = partial(write_deltalake, snapshot, frame, mode="overwrite", predicate=where, schema_mode="merge")
    write(commit_properties=signed(by))


def persist(table: Table, attempt: Callable[[], T]) -> T:
    """What the attempt returns; a lost race is run again from a fresh snapshot, after a pause that grows.

    Raises UserError when it loses every time, and when the place cannot be written at all.
    """
    for tried in range(TRIES):
        try:
            return attempt()
        except CommitFailedError:
            time.sleep(random.uniform(0.5, 1.0) * min(2.0, 0.02 * 2**tried))
        except (TableNotFoundError, PermissionError, NotADirectoryError) as error:
            told = " ".join(str(error).split())[:200]
            raise UserError(
                f"The table {table.name} cannot be written ({told}): "
                "store.root must be a folder that you may write to, or s3://..."
            ) from error
    raise UserError(
        f"Table {table.name} could not be written, another process writes to it all the time: "
        "end the other run, or wait for it, and start again."
    )
