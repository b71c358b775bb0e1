"""What every source hands over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from forecasting.data.side_tables import Tables

KEYS = ("unique_id", "ds", "y")
TAGS = ("file", "line", "fault", "fault_value")
"""Columns that say where a row came from and what was wrong with it; they leave with the contracts."""
DELETED = "_deleted"
"""Boolean, in loads whose source.columns names `deleted`: the row takes its key out."""


@dataclass(frozen=True)
class Loaded:
    """One load of raw rows.

    `long` holds unique_id (String), ds (Date), y (Float64), every driver of the config, and the tags: file, line
    (1-based: of the text file or of the Parquet table), fault (the rule that the row broke while it was read, else
    null) and fault_value. Rows with y null after the last sale are coming days. `dropped` counts lines that are no
    data, by named rule, `merged` those that were added to a row of `long` beside its own line, `made` the rows of
    `long` without a line, and `lines` all that came: lines = len(long) - made + merged + sum(dropped). `truth`
    (unique_id, effect, value) is what a made-up source knows of itself, and `planted` (unique_id, ds, kind, y) its
    dirt and what was sold without it. `rows` reads given (file, line) pairs again, as they came. `tables` are the
    further tables that were joined to `long`.
    """

    long: pl.DataFrame
    lines: int
    rows: Callable[[pl.DataFrame], pl.DataFrame]
    dropped: Mapping[str, int]
    truth: pl.DataFrame | None = None
    merged: int = 0
    made: int = 0
    planted: pl.DataFrame | None = None
    tables: Tables | None = None

    def rows_as_they_came(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The offending rows for `keys` (file, line): file, line, row (the text line, or JSON where there is none)."""
        return self.rows(keys.select("file", "line").unique(maintain_order=True))
