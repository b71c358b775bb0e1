"""Rows on their way into a Delta table: each function takes a frame and returns one that fits; nothing is written here.

`conform` casts to the columns of a Table, sorts and checks the key, `cast_to_stored_types` refuses casts that change
values, `changed_rows` keeps the rows that are new or differ from those of a Snapshot, `keep_apart` adds the columns by
which rows lie in files of their own.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl
import polars.selectors as cs

from forecasting.errors import UserError
from forecasting.io.delta import conditions, snapshots
from forecasting.io.delta.snapshots import Snapshot
from forecasting.io.table import Table
from forecasting.sorted_rows import is_sorted, sort_rows

STORED = "found in the store"
"""A column for the time of a join: true where the key is stored."""


def conform(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame in the columns, order and types of the table, sorted by its key.

    Raises ValueError when columns are missing or unknown, a key is null, or a key occurs twice.
    """
    if odd := set(frame.columns) ^ set(table.schema):
        raise ValueError(f"{table.name}: columns missing or unknown: {', '.join(sorted(odd))}")
    frame = frame.select(pl.col(name).cast(kind) for name, kind in table.schema.items())
    frame = frame.cast({cs.categorical() | cs.enum(): pl.String})  # the Delta writer panics on both
    needed = [name for name in table.key if name not in table.optional]
    if any(frame.select(needed).null_count().row(0)):
        raise ValueError(f"{table.name}: a key column ({', '.join(needed)}) is null")
    return _sorted_by_key(frame, table)


def _sorted_by_key(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    if is_sorted(frame, table.key):
        return frame
    frame = frame.sort(table.key) if table.optional else sort_rows(frame, table.key)
    key = frame.select(table.key)
    if is_sorted(frame, table.key) or (table.optional and not key.is_duplicated().any()):
        return frame
    raise ValueError(f"{table.name}: a key occurs twice, such as {key.filter(key.is_duplicated()).row(0)}")


def cast_to_stored_types(frame: pl.DataFrame, snapshot: Snapshot, table: Table) -> pl.DataFrame:
    """The frame in the types of the stored table; raises UserError when that would change values."""
    types = snapshots.stored_types(snapshot)
    for name, kind in frame.schema.items():
        if name in types and types[name] != kind:
            frame = frame.with_columns(_cast_column(frame[name], types[name], table))
    return frame


def _cast_column(column: pl.Series, kind: pl.DataType, table: Table) -> pl.Series:
    cast = column.cast(kind, strict=False)
    if cast.cast(column.dtype, strict=False).equals(column, null_equal=True):
        return cast
    raise UserError(
        f"Column {column.name} of table {table.name} is stored as {kind} and its new values ({column.dtype}) do not "
        "fit: mend the column in the source, or set store.root to a new folder and ingest again."
    )


def keep_apart(rows: pl.DataFrame, table: Table, snapshot: Snapshot) -> pl.DataFrame:
    """The rows with the columns of `table.apart` by which the snapshot has folders: one made before has none."""
    folders = snapshot.metadata().partition_columns
    return rows.with_columns(**{name: value for name, value in table.apart.items() if name in folders})


def changed_rows(snapshot: Snapshot, table: Table, rows: pl.DataFrame, ignore: Collection[str]) -> pl.DataFrame:
    """The rows that are new or differ from the stored ones (null equals null, NaN equals NaN).

    Compared bucket by bucket, within the key bounds of the rows: memory holds one bucket of the stored table at a time.
    """
    stored = snapshots.scan(snapshot, rows.schema).filter(*_within_bounds(rows, table))
    parts = [_changed(rows.filter(here), stored.filter(here).collect(), table, ignore) for here in _by_bucket(rows)]
    return pl.concat([rows.clear(), *parts])


def _by_bucket(rows: pl.DataFrame) -> list[pl.Expr]:
    if "bucket" not in rows.columns:
        return [pl.lit(True)]
    return [pl.col("bucket") == bucket for bucket in rows["bucket"].unique().sort()]


def _changed(new: pl.DataFrame, old: pl.DataFrame, table: Table, ignore: Collection[str]) -> pl.DataFrame:
    if new.equals(
        old, null_equal=True
    ):  # the same input again, in the order in which it was first written: no join needed
        return new.clear()
    compared = [c for c in new.columns if c not in table.key and c not in ignore]
    differs = [pl.col(c).ne_missing(pl.col(f"{c}:old")) for c in compared]
    pairs = new.lazy().join(
        old.lazy().with_columns(pl.lit(True).alias(STORED)), on=list(table.key), how="left", suffix=":old"
    )
    return pairs.filter(pl.any_horizontal(pl.col(STORED).is_null(), *differs)).select(new.columns).collect()


def _within_bounds(rows: pl.DataFrame, table: Table) -> list[pl.Expr]:
    values, ranges = conditions.key_bounds(rows, table)
    return conditions.expressions(values) + [pl.col(c).is_between(lo, hi) for c, (lo, hi) in ranges.items()]
