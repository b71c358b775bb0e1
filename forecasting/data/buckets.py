"""Buckets, the groups of series that are stored and processed together: `bucket_of` series ids, `bucket_count` of rows.

`bucket_of` takes a column of unique_id and returns their bucket numbers (0 ... n - 1), `bucket_count` takes the number
of rows of a panel and returns how many buckets it should have.
"""

from __future__ import annotations

import zlib

import polars as pl

ROWS_PER_BUCKET = 500_000


def bucket_of(ids: pl.Series, n: int) -> pl.Series:
    """The bucket (Int32) of each unique_id: its crc32 modulo `n`, which is stable across versions and machines."""
    return pl.Series("bucket", [zlib.crc32(i.encode()) % n for i in ids], dtype=pl.Int32)


def bucket_count(rows: int) -> int:
    """The number of buckets for a panel of `rows` rows: one of ROWS_PER_BUCKET rows fits well in memory."""
    return max(1, -(-rows // ROWS_PER_BUCKET))
