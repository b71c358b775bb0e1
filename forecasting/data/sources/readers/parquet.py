"""Parquet files: `open_parquet` takes a file and returns a TypedTable, whose rows are read later and by column.

Folders named key=value above the file become text columns. `is_parquet` goes by the ending of the name.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.sources.readers.typed_table import TypedTable, open_typed, unreadable
from forecasting.io import storage
from forecasting.io.storage import File

FORMAT = "a Parquet file"
PARQUET = (".parquet", ".pq")
"""Endings of file names."""


def open_parquet(file: File) -> TypedTable:
    """The table of a Parquet file; only schema and row count are read. Raises UserError when it is damaged or empty."""
    options = storage.storage_options(str(file))
    frame = pl.scan_parquet(str(file), storage_options=options, glob=False, hive_partitioning=False)
    try:
        schema = frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as e:
        raise unreadable(file, FORMAT, e) from None
    partitions = {c: value for c, value in storage.partition_values(file).items() if c not in schema}
    columns = [pl.lit(value, dtype=pl.String).alias(c) for c, value in partitions.items()]
    return open_typed(file, FORMAT, frame.with_columns(columns), frozenset(partitions))


def is_parquet(file: File) -> bool:
    """Whether the name of the file ends like that of a Parquet file."""
    return file.name.lower().endswith(PARQUET)
