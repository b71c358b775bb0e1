"""`Store`: the tables of a job as Delta tables, in a local folder or on s3:// by the same code.

`scan` returns a table as a lazy frame. Steps write frames through `merge` and `replace`; both leave a table at its
version when its content would stay the same. Forecasts are read through `vintages.scan_published`: a row in
`vintages`, written last, makes them visible.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from forecasting.errors import UserError
from forecasting.io.delta import commits, conditions, snapshots
from forecasting.io.delta.commits import commit_with_retries
from forecasting.io.delta.held import held
from forecasting.io.delta.rows import cast_to_stored_types, changed_rows, conform
from forecasting.io.delta.snapshots import Snapshot
from forecasting.io.table import Table


@dataclass(frozen=True)
class Store:
    """Tables under one root. Cheap to make and to pickle: nothing is open, credentials stay in the environment.

    `pins` are the versions at which tables are read (None: as if unwritten); other tables are read at their newest
    version. `load` is the number of the published load to which the pins belong. Commits carry the name `writer`.
    """

    root: str
    tables: Mapping[str, Table]
    pins: Mapping[str, int | None] = field(default_factory=dict)
    load: int | None = None
    writer: str | None = None

    def scan(self, name: str, /, *, version: int | None = None, **equals: Any) -> pl.LazyFrame:
        """The table in the columns and types of its schema, lazily; no rows when it was never written.

        `equals` (a value or a list of values per column) skips folders where it names partition columns. `version`
        reads the table as it was then; raises ValueError for a table with a column of that name, which is filtered
        after the scan.
        """
        table = self.tables[name]
        if version is not None and "version" in table.schema:
            raise ValueError(f"{name} has a column 'version': filter by it after the scan")
        return snapshots.scan(self.snapshot(name, version), table.schema).filter(*conditions.expressions(equals))

    def merge(self, name: str, frame: pl.DataFrame, /, *, ignore: Collection[str] = ()) -> int:
        """Insert new keys and update those whose values differ (the later call wins); returns the rows written.

        When nothing differs there is no new version; columns in `ignore` (times of writing) do not count as a
        difference. Raises ValueError for double or null keys and for columns that are not those of the table,
        UserError when the stored type of a column cannot hold its new values.
        """
        table = self.tables[name]
        if table.optional:
            raise ValueError(f"{name}: null is a value of its key, and a merge matches no nulls: use replace")
        rows = conform(frame, table)
        return commit_with_retries(table, lambda: self._merge(table, rows, ignore))

    def replace(self, name: str, frame: pl.DataFrame, /, **equals: Any) -> None:
        """Put the frame in place of all rows that match `equals` (of all rows, when it is empty), in one commit.

        Equal content makes no new version. Raises ValueError for rows outside the slice, and as `merge` does.
        """
        table = self.tables[name]
        rows = conform(frame, table)
        if rows.filter(*conditions.expressions(equals)).height < rows.height:
            raise ValueError(f"{name}: rows outside the slice {equals}")
        commit_with_retries(table, lambda: self._replace(table, rows, equals))

    def append(self, name: str, frame: pl.DataFrame, /) -> None:
        """Add rows with new keys; nothing is compared, so the caller must be sure of that."""
        table = self.tables[name]
        rows = conform(frame, table)
        if rows.height:
            commit_with_retries(table, lambda: self._append(table, rows))

    def append_numbered(self, name: str, row: Mapping[str, Any], /, **within: Any) -> int:
        """Add a row with the next free `version` among the rows that match `within`; returns it, the first is 1.

        Two writers at once get different numbers.
        """
        table = self.tables[name]
        return commit_with_retries(table, lambda: self._append_numbered(table, row, within))

    def upsert(self, name: str, frame: pl.DataFrame, /) -> None:
        """Like `merge` for rows that are new or differ; nothing is compared, so the caller must be sure of that."""
        table = self.tables[name]
        rows = conform(frame, table)
        if rows.height:
            commit_with_retries(table, lambda: self._upsert(table, rows))

    def delete(self, name: str, frame: pl.DataFrame, /) -> None:
        """Delete the stored rows that have the keys of these; keys that are not stored are ignored."""
        table = self.tables[name]
        if frame.height:
            commit_with_retries(table, lambda: self._delete(table, frame))

    def version(self, name: str, /) -> int | None:
        """The version that is read: the pinned one, else the last that changed the content; None when never written."""
        if name in self.pins:
            return self.pins[name]
        snapshot = self.snapshot(name)
        return None if snapshot is None else snapshots.content_version(snapshot)

    def is_readable(self, name: str, version: int, /) -> bool:
        """Whether the table can still be read at a version: its log and all its files are there."""
        try:
            snapshot = self.snapshot(name, version)
        except UserError:
            return False
        return snapshot is not None and snapshots.has_all_files(snapshot)

    def newest_snapshot(self, name: str, /) -> Snapshot | None:
        """The table with all commits, published or not: writes go on top of it; None when it was never written."""
        return snapshots.open_snapshot(self.uri(name))

    def snapshot(self, name: str, version: int | None = None, /) -> Snapshot | None:
        """The table as it is read: at the given version, at the pinned one, else the newest; never to write with."""
        if version is None and name in self.pins:
            version = self.pins[name]
            if version is None:
                return None
        return held(self.uri(name), (version, self.writer), partial(self._find, name, version))

    def _find(self, name: str, version: int | None) -> tuple[Snapshot | None, int]:
        """The table at a version (None: the newest), and its newest one."""
        newest = self.newest_snapshot(name)
        if newest is None:
            return None, 0
        if version is None or version == snapshots.content_version(newest):
            return newest, newest.version()  # compaction and vacuum may have removed files of the version, not its rows
        return snapshots.open_snapshot(self.uri(name), version), newest.version()

    def uri(self, name: str, /) -> str:
        """Where a table lies."""
        return f"{self.root.rstrip('/')}/{self.tables[name].name}"

    def _merge(self, table: Table, rows: pl.DataFrame, ignore: Collection[str]) -> int:
        snapshot = self.newest_snapshot(table.name)
        if snapshot is None:
            return self._create(table, rows)
        changed = changed_rows(snapshot, table, cast_to_stored_types(rows, snapshot, table), ignore)
        if changed.height:
            commits.upsert(snapshot, table, changed, self.writer)
        return changed.height

    def _replace(self, table: Table, rows: pl.DataFrame, equals: Mapping[str, Any]) -> None:
        snapshot = self.newest_snapshot(table.name)
        if snapshot is None:
            self._create(table, rows)
            return
        rows = cast_to_stored_types(rows, snapshot, table)
        stored = snapshots.scan(snapshot, rows.schema).filter(*conditions.expressions(equals)).collect()
        if not stored.sort(table.key).equals(rows, null_equal=True):
            commits.overwrite(snapshot, table, rows, equals, self.writer)

    def _append(self, table: Table, rows: pl.DataFrame) -> None:
        snapshot = self.newest_snapshot(table.name)
        if snapshot is None:
            self._create(table, rows)
        else:
            commits.append(snapshot, table, cast_to_stored_types(rows, snapshot, table), self.writer)

    def _upsert(self, table: Table, rows: pl.DataFrame) -> None:
        snapshot = self.newest_snapshot(table.name)
        if snapshot is None:
            self._create(table, rows)
        else:
            commits.upsert(snapshot, table, cast_to_stored_types(rows, snapshot, table), self.writer)

    def _delete(self, table: Table, rows: pl.DataFrame) -> None:
        if (snapshot := self.newest_snapshot(table.name)) is not None:
            commits.delete(snapshot, table, rows, self.writer)

    def _append_numbered(self, table: Table, row: Mapping[str, Any], within: Mapping[str, Any]) -> int:
        snapshot = self.newest_snapshot(table.name)
        taken = (
            snapshots.scan(snapshot, table.schema)
            .filter(*conditions.expressions(within))
            .select(pl.col("version").max())
        )
        version = 1 + (taken.collect().item() or 0)
        rows = conform(pl.DataFrame([dict(row) | {"version": version}], schema=table.schema), table)
        if snapshot is None:
            commits.create(self.uri(table.name), table, rows, self.writer)
        else:
            commits.append(snapshot, table, cast_to_stored_types(rows, snapshot, table), self.writer)
        return version

    def _create(self, table: Table, rows: pl.DataFrame) -> int:
        if rows.height:
            commits.create(self.uri(table.name), table, rows, self.writer)
        return rows.height
