"""Table: the definition of a stored table, with its name, key, columns and types, and partitioning.

It holds no rows and reads none; `empty` returns a frame with its columns. data/schemas defines the tables of a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Table:
    """A long table, unique by `key` and stored in folders by `partition`; null is allowed in `optional` key columns.

    `apart` keeps rows of different fates in files of their own, below the folders of the partition: {name of a column
    that only these folders bear: its value, from the columns of a row}. Readers never see it.
    """

    name: str
    key: tuple[str, ...]
    schema: pl.Schema
    partition: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    apart: Mapping[str, pl.Expr] = field(default_factory=dict, compare=False)

    def empty(self) -> pl.DataFrame:
        """A frame with the columns of the table and no rows."""
        return pl.DataFrame(schema=self.schema)
