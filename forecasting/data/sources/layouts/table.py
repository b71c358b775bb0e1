"""Long tables: `load` reads CSV or Parquet (a file, a folder or a glob) or a Delta table, and returns RawData.

Every driver, the date, the sales and the parts of unique_id are read by the columns that the config names; others are
ignored. Empty lines, and a footer below the last date, are dropped by these names; so are all lines of files in a
folder that share no column with the table (`other_table`). The frame RawData.long is [unique_id, ds, y, drivers, file,
line, fault, fault_value], and `_deleted` where source.columns names a column `deleted`.
"""

from __future__ import annotations

from forecasting.config import Config
from forecasting.data.buckets import MEMORY, Shelf
from forecasting.data.sources.layouts import NewFiles
from forecasting.data.sources.raw_data import RawData
from forecasting.data.sources.table_files import open_tables
from forecasting.data.sources.table_rows import load_tables

NEW_FILES: NewFiles = "replace"


def load(config: Config) -> RawData:
    """All rows of the table; raises UserError when files or columns are missing or a file is no table."""
    return load_in_parts(config, MEMORY)


def load_in_parts(config: Config, shelf: Shelf) -> RawData:
    """As `load`, with the rows of a large table sorted on the shelf."""
    return load_tables(config, open_tables(config), shelf)
