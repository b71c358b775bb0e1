"""What one table of a job is: the entry from which its schema, its load behaviour and its export follow.

`TableEntry.table` takes the config and the types of its driver columns and returns the Table (name, key, schema,
partitions) that the store reads and writes; `Export` says how it leaves as a file. No rows are touched here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from forecasting.config import Config
from forecasting.io.table import Table

Columns = Mapping[str, Any]
"""Column name -> Polars type."""
ColumnsOf = Callable[[Config, Columns], Columns]
"""The columns of a table for a config and the types of its drivers (known-ahead, known-after and static columns)."""


@dataclass(frozen=True)
class Export:
    """How a table leaves the store as a file.

    `row` is what one row stands for, with `{}` as the unit of the frequency; `sort` are the columns by which rows are
    sorted. `cutoff` is what the choice of a cutoff does: "vintage" takes the newest published vintage of that cutoff
    (of all cutoffs by default), "filter" keeps the rows of that cutoff (all rows by default), "none" ignores it.
    """

    sort: tuple[str, ...]
    row: str = "one row per {}"
    cutoff: Literal["vintage", "filter", "none"] = "none"


@dataclass(frozen=True)
class TableEntry:
    """One table: what it holds, its columns, its key (words), its partitions (words), and who may see it.

    A `loaded` table is written by a load: `loads` keeps its version, and readers see the versions of one load together.
    `export` is None for tables that are not exported. Null is a value in `optional` key columns; `apart` as in a Table.
    """

    name: str
    description: str
    key: str
    columns: ColumnsOf
    partition: str = ""
    optional: tuple[str, ...] = ()
    apart: Mapping[str, pl.Expr] = field(default_factory=dict, compare=False)
    loaded: bool = False
    export: Export | None = None

    def table(self, config: Config, drivers: Columns) -> Table:
        """The table of a config whose drivers have the types `drivers`."""
        return self.with_columns(self.columns(config, drivers))

    def with_columns(self, columns: Columns) -> Table:
        """The table with these columns."""
        key, partition = tuple(self.key.split()), tuple(self.partition.split())
        return Table(self.name, key, pl.Schema(columns), partition, self.optional, self.apart)


def typed(columns: Mapping[str, str]) -> dict[str, Any]:
    """Columns with types instead of their names."""
    return {name: getattr(pl, kind) for name, kind in columns.items()}


def fixed(columns: Columns) -> ColumnsOf:
    """Columns that are the same for every config."""
    return lambda _config, _drivers: columns
