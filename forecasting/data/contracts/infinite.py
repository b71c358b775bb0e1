"""Infinite values of drivers: `drop_infinite` takes checked rows and returns them with nulls there, and Remarks.

A division by zero in the source makes them. An infinite y is a fault of its row (`non_finite`).
"""

from __future__ import annotations

import polars as pl

from forecasting.columns import user_name
from forecasting.remarks import Remark


def drop_infinite(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Remark]]:
    """The rows with null in place of infinite values, and one remark per column that has some."""
    numbers = [c for c, kind in rows.schema.items() if kind.is_float() and c != "y"]
    sums = rows.select(pl.col(c).is_infinite().sum() for c in numbers)
    counts = {c: n for c in numbers if (n := sums[c].item())}
    if not counts:
        return rows, []
    values = [pl.when(pl.col(c).is_finite()).then(c).alias(c) for c in counts]
    message = "{}: {:,} infinite values are read as unknown; mend them in the source, where something is divided by 0"
    remarks = [Remark("numbers", message.format(user_name(c), n)) for c, n in counts.items()]
    return rows.with_columns(values), remarks
