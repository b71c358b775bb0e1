"""Ranges of days that overlap, split into ranges that do not.

`split_overlaps` takes and returns [_key, ds, _end, columns], ds and _end being the first and the last day of a range.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

OPEN_END = date(9999, 12, 30)
"""The end of a range that has none; a day can still be added to it."""


def split_overlaps(frame: pl.DataFrame) -> pl.DataFrame:
    """The ranges [_key, ds, _end, columns] of each key, split where they overlap.

    A day covered by several ranges belongs to the one that began last, and of these to the one that ends first. A range
    without an end lasts until the next one without an end, and gives way to ranges with an end meanwhile.
    """
    columns = frame.columns
    frame = frame.with_columns(_open=pl.col("_end").is_null())
    lasting = frame.filter("_open").sort("_key", "ds")
    following = pl.col("ds").shift(-1).over("_key") - timedelta(days=1)
    lasting = lasting.with_columns(_end=following.fill_null(OPEN_END))
    frame = pl.concat([frame.filter(~pl.col("_open")), lasting]).sort("_key", "ds", "_end")
    before = pl.col("_end").cum_max().shift().over("_key")
    overlap = frame.filter((pl.col("ds") <= before).fill_null(value=False)).select("_key").unique()
    overlapping = frame.join(overlap, on="_key", how="semi")
    single = frame.join(overlap, on="_key", how="anti")
    split = pl.concat([single, _split(overlapping).select(frame.columns)]) if overlapping.height else single
    return split.select(columns)


def _split(frame: pl.DataFrame) -> pl.DataFrame:
    """Overlapping ranges split at each day on which one of their key begins or has ended."""
    ends = frame.select("_key", ds=pl.col("_end") + timedelta(days=1))
    cuts = pl.concat([frame.select("_key", "ds"), ends]).unique().sort("_key", "ds")
    cuts = cuts.with_columns(
        pl.int_range(pl.len()).over("_key").alias("_cut"), _next=pl.col("ds").shift(-1).over("_key")
    )
    first = cuts.select("_key", "ds", _from="_cut")
    after = cuts.select("_key", "_cut", pl.col("ds").dt.offset_by("-1d").alias("_end")).rename({"_cut": "_to"})
    ranges = frame.join(first, on=["_key", "ds"], how="left").join(after, on=["_key", "_end"], how="left")
    pieces = ranges.with_columns(pl.int_ranges("_from", "_to").alias("_cut")).explode("_cut")
    order = ["_key", "_cut", "ds", "_open", "_end"]
    pieces = pieces.sort(order, descending=[False, False, False, True, True]).unique(
        order[:2], keep="last", maintain_order=True
    )
    pieces = pieces.drop("ds", "_end").join(cuts, on=["_key", "_cut"], how="left")
    return pieces.with_columns(_end=pl.col("_next") - timedelta(days=1))
