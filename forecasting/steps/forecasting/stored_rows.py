"""Stored forecast rows: a Destination writes them bucket by bucket; `backtest_rows`, `rows_so_far` read backtests.

A Destination is a slice of a table; its `write` replaces what the slice holds of a bucket. The readers take the hash of
a recipe and cutoffs, and return lazy rows of `backtests` in a fixed order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from forecasting.data import contracts
from forecasting.services.store import Store
from forecasting.sorted_rows import sort_rows
from forecasting.steps.run_log import scan_scored

SERIES = pl.col("bucket") >= 0
"""Rows of series, not of aggregates."""


@dataclass(frozen=True)
class Destination:
    """Where the rows of an origin are written: the slice `within` of a table, and further columns that all share."""

    store: Store
    table: str
    within: Mapping[str, Any]
    columns: Mapping[str, Any]

    def write(self, rows: pl.DataFrame, bucket: int, models: Sequence[str] | None = None) -> None:
        """Put the rows in place of what the slice holds of this bucket (of these models only, where they are given)."""
        table = self.store.tables[self.table]
        shared = [pl.lit(value, table.schema[name]).alias(name) for name, value in self.columns.items()]
        sorted_rows = sort_rows(rows.with_columns(shared).select(table.schema.names()), table.key)
        part = contracts.validate_table(sorted_rows, table)
        of_models = {} if models is None else {"model": list(models)}
        self.store.replace(self.table, part, **self.within, bucket=bucket, **of_models)

    def remove_others(self, buckets: Collection[int], models: Collection[str]) -> None:
        """Remove what an earlier run has left in the slice of other buckets or models."""
        own = [pl.col(name) == value for name, value in self.within.items() if name != "cutoff"]
        rows = self.store.scan(self.table, cutoff=self.within["cutoff"]).filter(own)
        stored = rows.select("bucket", "model").unique().collect()
        others = stored.filter(~(pl.col("bucket").is_in(list(buckets)) & pl.col("model").is_in(list(models))))
        for (bucket,), part in others.sort("bucket").group_by("bucket", maintain_order=True):
            empty = self.store.tables[self.table].empty()
            self.store.replace(self.table, empty, **self.within, bucket=bucket, model=part["model"].to_list())


def backtest_rows(store: Store, recipe: str, cutoffs: Sequence[date]) -> pl.LazyFrame:
    """Rows of recorded backtests of a recipe, the newest window first, by series and day; read when collected.

    The order is fixed, because sums of floating-point numbers depend on it: equal data give equal bits.
    """
    return in_fixed_order(scan_scored(store, "backtests", cutoff=list(cutoffs)).filter(pl.col("recipe") == recipe))


def in_fixed_order(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Backtest rows in the order of `backtest_rows`."""
    descending = [True, False, True, False, False, False]
    return rows.sort("cutoff", SERIES, "bucket", "unique_id", "ds", "model", descending=descending)


def rows_so_far(store: Store, recipe: str, cutoffs: Sequence[date], models: Sequence[str]) -> pl.LazyFrame:
    """Backtest rows of a recipe as they were forecast: window by window, bucket by bucket, in the order of `models`,
    aggregates last and by grain and name of the model; read when they are collected.
    """
    place = pl.col("model").replace_strict(dict(zip(models, range(len(models)), strict=True)), default=len(models))
    # columns, not expressions of the sort: only past these does a filter by model come before the rows are read
    order = {"_aggregate": ~SERIES, "_place": pl.when(SERIES).then(place)}
    order |= {f"_{column}": pl.when(~SERIES).then(column) for column in ("grain", "model")}
    rows = store.scan("backtests", cutoff=list(cutoffs)).filter(pl.col("recipe") == recipe).with_columns(**order)
    return rows.sort("cutoff", "_aggregate", "bucket", "_grain", "_place", "_model", "unique_id", "ds").drop(order)
