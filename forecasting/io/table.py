"""A table: its key, its columns and how it is partitioned."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Table:
    """A long table: unique by `key`, stored in folders by `partition`; null is a value in `optional` key columns."""

    name: str
    key: tuple[str, ...]
    schema: pl.Schema
    partition: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self.schema)
