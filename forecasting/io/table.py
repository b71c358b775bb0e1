"""Table: the definition of a stored table, with its name, key, columns and types, and partitioning.

It holds no rows and reads none; `empty` returns a frame with its columns. data/schemas defines the tables of a job.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Table:
    """A long table, unique by `key` and stored in folders by `partition`; null is allowed in `optional` key columns."""

    name: str
    key: tuple[str, ...]
    schema: pl.Schema
    partition: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def empty(self) -> pl.DataFrame:
        """A frame with the columns of the table and no rows."""
        return pl.DataFrame(schema=self.schema)
