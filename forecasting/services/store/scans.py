"""References to stored rows, small enough to travel to other processes: a bucket of the panel, or a whole table.

A BucketScan (Store, version of the panel) called with a bucket, or a TableScan (Store, table) called without
arguments, returns a lazy frame; no rows are read before it is collected.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from forecasting.services.store import Store


@dataclass(frozen=True)
class BucketScan:
    """Rows of a bucket at one version of the panel; picklable, so that other processes can scan too."""

    store: Store
    version: int

    def __call__(self, bucket: int) -> pl.LazyFrame:
        return self.store.scan("panel", version=self.version, bucket=bucket)


@dataclass(frozen=True)
class TableScan:
    """All rows of a table at the pinned version, in the order of `by`; picklable, as a BucketScan is."""

    store: Store
    name: str
    by: tuple[str, ...] = ()

    def __call__(self) -> pl.LazyFrame:
        rows = self.store.scan(self.name)
        return rows.sort(self.by) if self.by else rows
