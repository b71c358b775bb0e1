"""Infinite values of drivers: `without_infinite` takes checked rows and returns them with nulls there.

`infinite_counts` counts them by column, `infinite_remarks` says so. A division by zero in the source makes them. An
infinite y is a fault of its row (`non_finite`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from forecasting.columns import user_name
from forecasting.remarks import Remark


def infinite_counts(rows: pl.DataFrame) -> dict[str, int]:
    """How many values of each driver are infinite, where any is."""
    numbers = [c for c, kind in rows.schema.items() if kind.is_float() and c != "y"]
    sums = rows.select(pl.col(c).is_infinite().sum() for c in numbers)
    return {c: n for c in numbers if (n := sums[c].item())}


def without_infinite(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with null in place of infinite values."""
    return rows.with_columns(pl.when(pl.col(c).is_finite()).then(c).alias(c) for c in infinite_counts(rows))


def infinite_remarks(counts: Mapping[str, int]) -> Iterator[Remark]:
    """One remark per column that has some."""
    for column, n in counts.items():
        message = f"{user_name(column)}: {n:,} infinite values are read as unknown"
        yield Remark("numbers", f"{message}; mend them in the source, where something is divided by 0")
