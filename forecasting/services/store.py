"""The lake: every table of the project as a Delta table, in a local folder or on s3:// by the same code.

Steps write through `merge` and `replace`; both leave the table at its version when its content would stay the same.
Forecasts are read through `scan_published`: a row in `vintages`, written last, is what makes them visible.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import polars as pl
from deltalake import DeltaTable

from forecasting.errors import UserError
from forecasting.io import delta, delta_rows, files
from forecasting.io.table import Table

HISTORY = pl.Schema(
    [("version", pl.Int64()), ("at", pl.Datetime("ms", "UTC")), ("operation", pl.String()), ("metrics", pl.String())]
)


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
    by: str | None = None

    def scan(self, name: str, /, *, version: int | None = None, **equals: Any) -> pl.LazyFrame:
        """The table in the columns and types of its schema, lazily; of an unwritten one no rows.

        `equals` (a value, or a list of them) skips whole folders where it names partition columns. `version` reads the
        table as it was then. In tables that have a column of that name filter it behind: asking here is a ValueError.
        """
        table = self.tables[name]
        if version is not None and "version" in table.schema:
            raise ValueError(f"{name} has a column 'version': filter by it behind the scan")
        return delta.read(self._snapshot(name, version), table.schema).filter(*delta.matching(equals))

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

    def number(self, name: str, row: Mapping[str, Any], /, **within: Any) -> int:
        """Add a row with the next free `version` of the rows that match `within`, and return it; the first is 1.

        Of two writers at once each gets a number of its own.
        """
        table = self.tables[name]
        return delta.persist(table, lambda: self._number(table, row, within))

    def upsert(self, name: str, frame: pl.DataFrame, /) -> None:
        """Like `merge`, of rows that the caller knows to be new or to differ: nothing is compared."""
        table = self.tables[name]
        rows = delta_rows.conform(frame, table)
        if rows.height:
            delta.persist(table, lambda: self._upsert(table, rows))

    def remove(self, name: str, frame: pl.DataFrame, /) -> None:
        """Delete the rows with the keys of these; keys that are not there are none of its business."""
        table = self.tables[name]
        if frame.height:
            delta.persist(table, lambda: self._remove(table, frame))

    def version(self, name: str, /) -> int | None:
        """The version that is read: the pinned one, or the last to change the content (not by compaction); or None."""
        if name in self.pins:
            return self.pins[name]
        snapshot = self._tip(name)
        return None if snapshot is None else delta.data_version(snapshot)

    def has(self, name: str, version: int, /) -> bool:
        """Whether the table can still be read at a version: its log and all its files are there."""
        try:
            snapshot = self._snapshot(name, version)
        except UserError:
            return False
        return snapshot is not None and delta.is_whole(snapshot)

    def history(self, name: str, /) -> pl.DataFrame:
        """Commits, newest first: version, at (UTC), operation, metrics (JSON)."""
        snapshot = self._tip(name)
        commits = [] if snapshot is None else snapshot.history()
        return pl.DataFrame([_commit(c) for c in commits], schema=HISTORY, orient="row")

    def compact(self) -> None:
        """Join small files; contents and data versions stay."""
        for name, table in self.tables.items():
            delta.persist(table, partial(self._compact, name))

    def vacuum(self, retention_days: int) -> None:
        """Remove files that no version of the last days needs; older versions can no longer be read.

        Raises ValueError below one day: it would take files from readers and writers at work.
        """
        if retention_days < 1:
            raise ValueError(f"retention_days must be at least 1, not {retention_days}")
        for snapshot in filter(None, map(self._tip, self.tables)):
            snapshot.vacuum(24 * retention_days, dry_run=False, enforce_retention_duration=False)

    def publish(self, row: Mapping[str, Any], /) -> None:
        """Make the forecasts of a cutoff and version visible: call it after they are written.

        Publishing again changes the row if it tells something else; `published_at` (default: now) does not by itself.
        """
        frame = pl.DataFrame([{"published_at": datetime.now(UTC)} | dict(row)])
        self.merge("vintages", frame, ignore=("published_at",))

    def published(self) -> pl.DataFrame:
        """The vintages, newest cutoff first, within one cutoff the last published first."""
        order = ["cutoff", "published_at", "version"]
        return self.scan("vintages").collect().sort(order, descending=True)

    def scan_published(self, name: str = "forecasts", /, **equals: Any) -> pl.LazyFrame:
        """The rows of a table with cutoff and version whose vintage is published; `equals` as in `scan`."""
        vintages = self.published().select("cutoff", "version")
        rows = delta.read(self._snapshot(name), self.tables[name].schema)
        rows = rows.filter(*delta.matching({"cutoff": vintages["cutoff"].unique().to_list()} | equals))
        return rows.join(vintages.lazy(), on=["cutoff", "version"], how="semi")

    def write_bytes(self, name: str, content: bytes, /) -> None:
        """Keep a small file (a report) beside the tables, under a name like "reports/drift-2024-02-04.html"."""
        files.write(self.root, name, content)

    def read_bytes(self, name: str, /) -> bytes:
        """The content of such a file; raises FileNotFoundError when it was never written."""
        return files.read(self.root, name)

    def _uri(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{self.tables[name].name}"

    def _tip(self, name: str) -> DeltaTable | None:
        """The table as it is now, published or not: what is written goes on top of it."""
        return delta.opened(self._uri(name))

    def _snapshot(self, name: str, version: int | None = None) -> DeltaTable | None:
        """The table as it is read."""
        if version is None and name in self.pins:
            version = self.pins[name]
            if version is None:
                return None
        newest = self._tip(name)
        if newest is None or version is None or version == delta.data_version(newest):
            return newest  # compaction and vacuum may have taken the files of the version, not its content
        return delta.opened(self._uri(name), version)

    def _compact(self, name: str) -> None:
        if (snapshot := self._tip(name)) is not None:
            snapshot.optimize.compact()

    def _merge(self, table: Table, rows: pl.DataFrame, ignore: Collection[str]) -> int:
        snapshot = self._tip(table.name)
        if snapshot is None:
            return self._create(table, rows)
        changed = delta_rows.changes(snapshot, table, delta_rows.fitting(rows, snapshot, table), ignore)
        if changed.height:
            delta.upsert(snapshot, table, changed, self.by)
        return changed.height

    def _replace(self, table: Table, rows: pl.DataFrame, equals: Mapping[str, Any]) -> None:
        snapshot = self._tip(table.name)
        if snapshot is None:
            self._create(table, rows)
            return
        rows = delta_rows.fitting(rows, snapshot, table)
        stored = delta.read(snapshot, rows.schema).filter(*delta.matching(equals)).collect()
        if not stored.sort(table.key).equals(rows, null_equal=True):
            delta.overwrite(snapshot, rows, equals, self.by)

    def _append(self, table: Table, rows: pl.DataFrame) -> None:
        snapshot = self._tip(table.name)
        if snapshot is None:
            self._create(table, rows)
        else:
            delta.append(snapshot, delta_rows.fitting(rows, snapshot, table), self.by)

    def _upsert(self, table: Table, rows: pl.DataFrame) -> None:
        snapshot = self._tip(table.name)
        if snapshot is None:
            self._create(table, rows)
        else:
            delta.upsert(snapshot, table, delta_rows.fitting(rows, snapshot, table), self.by)

    def _remove(self, table: Table, rows: pl.DataFrame) -> None:
        if (snapshot := self._tip(table.name)) is not None:
            delta.remove(snapshot, table, rows, self.by)

    def _number(self, table: Table, row: Mapping[str, Any], within: Mapping[str, Any]) -> int:
        snapshot = self._tip(table.name)
        taken = delta.read(snapshot, table.schema).filter(*delta.matching(within)).select(pl.col("version").max())
        version = 1 + (taken.collect().item() or 0)
        rows = delta_rows.conform(pl.DataFrame([dict(row) | {"version": version}], schema=table.schema), table)
        if snapshot is None:
            delta.create(self._uri(table.name), table, rows, self.by)
        else:
            delta.append_next(snapshot, delta_rows.fitting(rows, snapshot, table))
        return version

    def _create(self, table: Table, rows: pl.DataFrame) -> int:
        if rows.height:
            delta.create(self._uri(table.name), table, rows, self.by)
        return rows.height


def _commit(entry: Mapping[str, Any]) -> tuple[int, int, str, str]:
    metrics = json.dumps(entry.get("operationMetrics", {}))
    return entry["version"], entry["timestamp"], entry["operation"], metrics
