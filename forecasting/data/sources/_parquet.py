"""Parquet files, read by column; folders called key=value above a file are columns of it."""

from __future__ import annotations

import polars as pl

from forecasting.data import places
from forecasting.data.places import File
from forecasting.data.sources._files import PARQUET
from forecasting.data.sources._typed import Typed, typed, unreadable

WHAT = "a Parquet file"


def read(file: File) -> Typed:
    """Look at the head of a Parquet file; raises UserError when it is none or holds no rows."""
    options = places.storage(str(file))
    frame = pl.scan_parquet(str(file), storage_options=options, glob=False, hive_partitioning=False)
    try:
        own = frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as e:
        raise unreadable(file, WHAT, e) from None
    told = {c: value for c, value in places.partitions(file).items() if c not in own}
    columns = [pl.lit(value, dtype=pl.String).alias(c) for c, value in told.items()]
    return typed(file, WHAT, frame.with_columns(columns), frozenset(told))


def is_parquet(file: File) -> bool:
    """Whether the name of a file says that it is a Parquet file."""
    return file.name.lower().endswith(PARQUET)
