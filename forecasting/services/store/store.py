"""The lake: every table of the project as a Delta table, in a local folder or on s3:// by the same code.

Steps write through `merge` and `replace`; both leave the table at its version when its content would stay the same.
Forecasts are read through `scan_published`: a row in `vintages`, written last, is what makes them visible.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from deltalake import DeltaTable

from forecasting.errors import UserError
from forecasting.io import delta, delta_rows
from forecasting.io.table import Table


@dataclass(frozen=True)
class Store:
    """Tables under one root. Cheap to make and to pickle: nothing is open, credentials stay in the environment.

    `pins` are the versions at which tables are read (None: as if unwritten), others are read as they are now; `load` is
    the number of the published load that the pins are of. Commits bear the signature `by`.
    """

    root: str
    tables: Mapping[str, Table]
    pins: Mapping[str, int | None] = field(default_factory=dict)
    load: int | None = None
    writer: str | None = None

    def scan(self, name: str, /, *, version: int | None = None, **equals: Any) -> pl.LazyFrame:
        """The table in the columns and types of its schema, lazily; of an unwritten one no rows.

        `equals` (a value, or a list of them) skips whole folders where it names partition columns. `version` reads the
        table as it was then. In tables that have a column of that name filter it behind: asking here is a ValueError.
        """
        table = self.tables[name]
        if version is not None and "version" in table.schema:
            raise ValueError(f"{name} has a column 'version': filter by it behind the scan")
        return delta.read(self.snapshot(name, version), table.schema).filter(*delta.matching(equals))

    def merge(self, name: str, frame: pl.DataFrame, /, *, ignore: Collection[str] = ()) -> int:
        """Insert new keys, update those whose values differ, the later call wins; returns the rows written.

        Nothing differs: no new version. Columns in `ignore` (times of writing) are no difference by themselves.
        Raises ValueError for double or null keys and for columns that are not those of the table, UserError when the
        stored type of a column cannot hold its new values.
        """
        table = self.tables[name]
        if table.optional:
            raise ValueError(f"{name}: null is a value of its key, and a merge matches no nulls: use replace")
        rows = delta_rows.conform(frame, table)
        return delta.persist(table, lambda: self._merge(table, rows, ignore))

    def replace(self, name: str, frame: pl.DataFrame, /, **equals: Any) -> None:
        """Put the frame in place of all rows that match `equals` (of the whole table, without), in one commit.

        Equal content: no new version. Raises ValueError for rows outside the slice, and as `merge` does.
        """
        table = self.tables[name]
        rows = delta_rows.conform(frame, table)
        if rows.filter(*delta.matching(equals)).height < rows.height:
            raise ValueError(f"{name}: rows outside the slice {equals}")
        delta.persist(table, lambda: self._replace(table, rows, equals))

    def append(self, name: str, frame: pl.DataFrame, /) -> None:
        """Add rows whose keys the caller knows to be new: nothing is compared."""
        table = self.tables[name]
        rows = delta_rows.conform(frame, table)
        if rows.height:
            delta.persist(table, lambda: self._append(table, rows))

    def append_numbered(self, name: str, row: Mapping[str, Any], /, **within: Any) -> int:
        """Add a row with the next free `version` of the rows that match `within`, and return it; the first is 1.

        Of two writers at once each gets a number of its own.
        """
        table = self.tables[name]
        return delta.persist(table, lambda: self._append_numbered(table, row, within))

    def upsert(self, name: str, frame: pl.DataFrame, /) -> None:
        """Like `merge`, of rows that the caller knows to be new or to differ: nothing is compared."""
        table = self.tables[name]
        rows = delta_rows.conform(frame, table)
        if rows.height:
            delta.persist(table, lambda: self._upsert(table, rows))

    def delete(self, name: str, frame: pl.DataFrame, /) -> None:
        """Delete the rows with the keys of these; keys that are not there are none of its business."""
        table = self.tables[name]
        if frame.height:
            delta.persist(table, lambda: self._delete(table, frame))

    def version(self, name: str, /) -> int | None:
        """The version that is read: the pinned one, or the last to change the content (not by compaction); or None."""
        if name in self.pins:
            return self.pins[name]
        snapshot = self.newest_snapshot(name)
        return None if snapshot is None else delta.data_version(snapshot)

    def is_readable(self, name: str, version: int, /) -> bool:
        """Whether the table can still be read at a version: its log and all its files are there."""
        try:
            snapshot = self.snapshot(name, version)
        except UserError:
            return False
        return snapshot is not None and delta.is_whole(snapshot)

    def newest_snapshot(self, name: str, /) -> DeltaTable | None:
        """The table with all commits, published or not: writes go on top of it; None when it was never written."""
        return delta.opened(self._uri(name))

    def snapshot(self, name: str, version: int | None = None, /) -> DeltaTable | None:
        """The table as it is read: at the given version, at the pinned one, else the newest."""
        if version is None and name in self.pins:
            version = self.pins[name]
            if version is None:
                return None
        newest = self.newest_snapshot(name)
        if newest is None or version is None or version == delta.data_version(newest):
            return newest  # compaction and vacuum may have removed the files of the version, but not its content
        return delta.opened(self._uri(name), version)

    def _uri(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{self.tables[name].name}"

    def _merge(self, table: Table, rows: pl.DataFrame, ignore: Collection[str]) -> int:
        snapshot = self.newest_snapshot(table.name)
        if snapshot is None:
            return self._create(table, rows)
        changed = delta_rows.changes(snapshot, table, delta_rows.fitting(rows, snapshot, table), ignore)
        if changed.height:
            delta.upsert(snapshot, table, changed, self.writer)
        return changed.height

    def _replace(self, table: Table, rows: pl.DataFrame, equals: Mapping[str, Any]) -> None:
        snapshot = self.newest_snapshot(table.name)
        if snapshot is None:
            self._create(table, rows)
            return
        rows = delta_rows.fitting(rows, snapshot, table)
        stored = delta.read(snapshot, rows.schema).filter(*delta.matching(equals)).collect()
        if not stored.sort(table.key).equals(rows, null_equal=True):
            delta.overwrite(snapshot, rows, equals, self.writer)

    def _append(self, table: Table, rows: pl.DataFrame) -> None:
        snapshot = self.newest_snapshot(table.name)
        if snapshot is None:
            self._create(table, rows)
        else:
            delta.append(snapshot, delta_rows.fitting(rows, snapshot, table), self.writer)

    def _upsert(self, table: Table, rows: pl.DataFrame) -> None:
        snapshot = self.newest_snapshot(table.name)
        if snapshot is None:
            self._create(table, rows)
        else:
            delta.upsert(snapshot, table, delta_rows.fitting(rows, snapshot, table), self.writer)

    def _delete(self, table: Table, rows: pl.DataFrame) -> None:
        if (snapshot := self.newest_snapshot(table.name)) is not None:
            delta.remove(snapshot, table, rows, self.writer)

    def _append_numbered(self, table: Table, row: Mapping[str, Any], within: Mapping[str, Any]) -> int:
        snapshot = self.newest_snapshot(table.name)
        taken = delta.read(snapshot, table.schema).filter(*delta.matching(within)).select(pl.col("version").max())
        version = 1 + (taken.collect().item() or 0)
        rows = delta_rows.conform(pl.DataFrame([dict(row) | {"version": version}], schema=table.schema), table)
        if snapshot is None:
            delta.create(self._uri(table.name), table, rows, self.writer)
        else:
            delta.append_next(snapshot, delta_rows.fitting(rows, snapshot, table))
        return version

    def _create(self, table: Table, rows: pl.DataFrame) -> int:
        if rows.height:
            delta.create(self._uri(table.name), table, rows, self.writer)
        return rows.height
