"""Buckets: which series are stored and processed together."""

from __future__ import annotations

import zlib

import polars as pl

ROWS_PER_BUCKET = 500_000


def bucket_of(ids: pl.Series, n: int) -> pl.Series:
    """The bucket of each series: crc32 of its name modulo `n` (stable across versions and machines)."""
    return pl.Series("bucket", [zlib.crc32(i.encode()) % n for i in ids], dtype=pl.Int32)


def bucket_count(rows: int) -> int:
    """Buckets for a panel of `rows` rows, so that one fits well in memory."""
    return max(1, -(-rows // ROWS_PER_BUCKET))
