"""Parquet files, read by column; folders called key=value above a file are columns of it."""

from __future__ import annotations

import polars as pl

from forecasting.data.sources.readers.files import PARQUET
from forecasting.data.sources.readers.typed import Typed, typed, unreadable
from forecasting.io import storage
from forecasting.io.storage import File

WHAT = "a Parquet file"


def read(file: File) -> Typed:
    """Look at the head of a Parquet file; raises UserError when it is none or holds no rows."""
    options = storage.storage_options(str(file))
    frame = pl.scan_parquet(str(file), storage_options=options, glob=False, hive_partitioning=False)
    try:
        own = frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as e:
        raise unreadable(file, WHAT, e) from None
    told = {c: value for c, value in storage.partition_values(file).items() if c not in own}
    columns = [pl.lit(value, dtype=pl.String).alias(c) for c, value in told.items()]
    return typed(file, WHAT, frame.with_columns(columns), frozenset(told))


def is_parquet(file: File) -> bool:
    """Whether the name of a file says that it is a Parquet file."""
    return file.name.lower().endswith(PARQUET)
