"""Rows on their way into a Delta table: made to fit its columns, keys and types, and compared with what is stored."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl
import polars.selectors as cs
from deltalake import DeltaTable

from forecasting.errors import UserError
from forecasting.io import delta
from forecasting.io.table import Table

FOUND = "found in the store"


def conform(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame in the columns, order and types of the table, sorted by its key.

    Raises ValueError when columns are missing or unknown, a key is null, or a key stands twice.
    """
    if odd := set(frame.columns) ^ set(table.schema):
        raise ValueError(f"{table.name}: columns missing or unknown: {', '.join(sorted(odd))}")
    frame = frame.select(pl.col(name).cast(kind) for name, kind in table.schema.items())
    frame = frame.cast({cs.categorical() | cs.enum(): pl.String})  # the Delta writer panics on both
    needed = [name for name in table.key if name not in table.optional]
    if any(frame.select(needed).null_count().row(0)):
        raise ValueError(f"{table.name}: a key column ({', '.join(needed)}) is null")
    return _ordered(frame, table)


def _ordered(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    if _increasing(frame, table):
        return frame
    frame = frame.sort(table.key)
    key = frame.select(table.key)
    if _increasing(frame, table) or (table.optional and not key.is_duplicated().any()):
        return frame
    raise ValueError(f"{table.name}: a key stands twice, such as {key.filter(key.is_duplicated()).row(0)}")


def _increasing(frame: pl.DataFrame, table: Table) -> bool:
    """Whether every key is greater than the one before: sorted and unique at once, at a tenth of a hash's cost."""
    greater = pl.lit(False)
    for column in map(pl.col, reversed(table.key)):
        before = column.shift()
        greater = (column > before) | ((column == before) & greater)
    return bool(frame.select(greater.slice(1).all()).item())


def fitting(frame: pl.DataFrame, snapshot: DeltaTable, table: Table) -> pl.DataFrame:
    """The frame in the types that are stored; raises UserError when that would change values."""
    types = pl.scan_delta(snapshot).collect_schema()
    for name, kind in frame.schema.items():
        if name in types and types[name] != kind:
            frame = frame.with_columns(_recast(frame[name], types[name], table))
    return frame


def _recast(column: pl.Series, kind: pl.DataType, table: Table) -> pl.Series:
    cast = column.cast(kind, strict=False)
    if cast.cast(column.dtype, strict=False).equals(column, null_equal=True):
        return cast
    raise UserError(
        f"Column {column.name} of table {table.name} is stored as {kind} and its new values ({column.dtype}) do not "
        "fit: mend the column in the source, or set store.root to a new folder and ingest again."
    )


def changes(snapshot: DeltaTable, table: Table, rows: pl.DataFrame, ignore: Collection[str]) -> pl.DataFrame:
    """The rows that are new or differ from the stored ones (null equals null, NaN equals NaN).

    Bucket by bucket, and within the bounds of the rows: memory stays at one bucket of the table beside them.
    """
    stored = delta.read(snapshot, rows.schema).filter(*_within(rows, table))
    parts = [_changed(rows.filter(here), stored.filter(here).collect(), table, ignore) for here in _buckets(rows)]
    return pl.concat([rows.clear(), *parts])


def _buckets(rows: pl.DataFrame) -> list[pl.Expr]:
    if "bucket" not in rows.columns:
        return [pl.lit(True)]
    return [pl.col("bucket") == bucket for bucket in rows["bucket"].unique().sort()]


def _changed(new: pl.DataFrame, old: pl.DataFrame, table: Table, ignore: Collection[str]) -> pl.DataFrame:
    if new.equals(old, null_equal=True):  # the same input again, in the order it was first written: no join needed
        return new.clear()
    compared = [c for c in new.columns if c not in table.key and c not in ignore]
    differs = [pl.col(c).ne_missing(pl.col(f"{c}:old")) for c in compared]
    twins = new.lazy().join(
        old.lazy().with_columns(pl.lit(True).alias(FOUND)), on=list(table.key), how="left", suffix=":old"
    )
    return twins.filter(pl.any_horizontal(pl.col(FOUND).is_null(), *differs)).select(new.columns).collect()


def _within(rows: pl.DataFrame, table: Table) -> list[pl.Expr]:
    values, ranges = delta.bounds(rows, table)
    return delta.matching(values) + [pl.col(c).is_between(lo, hi) for c, (lo, hi) in ranges.items()]
