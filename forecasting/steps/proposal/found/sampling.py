"""What a source holds, as it came: `sample_of` takes an open table and returns a Sample of its rows.

Small tables are taken whole, of large ones the first and the last rows. Columns without a name, and names that two
columns share, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.config.sections import Source
from forecasting.data.sources.table_files import open_tables
from forecasting.data.sources.tables.spelling import RawTable

MOST = 200_000
"""Rows of a table that are looked at; of larger ones half of them from each end."""


@dataclass(frozen=True)
class Sample:
    """Rows of a table: `cells` as text or as they are typed, of `rows` in all; `table` reads the others."""

    table: RawTable
    cells: pl.DataFrame
    rows: int

    @property
    def file(self) -> str:
        """The file, or the sheet of a workbook."""
        return str(self.table.file)

    def rename(self, names: Sequence[str]) -> Sample:
        """The same rows under other names of the columns, in their order."""
        return Sample(self.table, self.cells.rename(dict(zip(self.cells.columns, names, strict=True))), self.rows)


def open_source(path: str) -> list[Sample]:
    """A sample of each table at a path; raises UserError when there is none, or when one cannot be read."""
    return [sample_of(table) for table in open_tables(bare_config(path))]


def bare_config(path: str) -> Config:
    """A config that knows nothing of a source but its place."""
    return Config(name="proposal", source=Source(path=path), freq="1d", h=1)


def sample_of(table: RawTable) -> Sample:
    """The rows of a table, or the first and last of them; raises UserError when it is damaged."""
    names = [name for name in table.names if name.strip() and table.names.count(name) == 1]
    cells = table.cells(names).select(pl.col(name).alias(user_name(name)) for name in names)
    if cells.height > MOST:
        cells = pl.concat([cells.head(MOST // 2), cells.tail(MOST // 2)])
    return Sample(table, cells, table.rows)
