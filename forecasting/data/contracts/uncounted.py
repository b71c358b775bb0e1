"""Sales that a load does not count: `uncounted_sales` takes its rows, the bad ones and the repeats; returns Remarks.

The sums are of y as it came, so that the panel and the file can be reconciled.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.remarks import Remark

ROW = ["file", "line", "ds"]


def uncounted_sales(long: pl.DataFrame, bad: pl.DataFrame, repeats: pl.DataFrame) -> Iterator[Remark]:
    """One remark on the rows in quarantine and one on dropped repeats, each with their sales and share of all sales."""
    if bad.height:
        yield Remark("quarantine", _quarantined(long, bad))
    if repeats.height:
        where = "their file" if repeats["same_file"].all() else "theirs or another file"
        yield Remark(
            "duplicates",
            f"{repeats.height:,} rows repeat an earlier row of {where} and count once: {_sales(repeats, long)} not "
            "counted; if each is a sale of its own, source.kind: transactions adds them up",
        )


def _quarantined(long: pl.DataFrame, bad: pl.DataFrame) -> str:
    rows = long.join(bad.select(ROW).unique(), on=ROW, how="semi", nulls_equal=True)
    unread = int(rows["y"].is_null().sum())
    unknown = f", and {unread:,} whose sales cannot be read" if unread else ""
    rules = bad.group_by("rule").len().sort("len", "rule", descending=[True, False])
    names = ", ".join(f"{rule} {n:,}" for rule, n in rules.iter_rows())
    rows_of = f"{rows.height:,} of {long.height:,} rows are in quarantine ({names})"
    first = bad.row(0, named=True)
    place = f"; the first is {first['file']}, line {first['line']}: {first['value']}"
    return f"{rows_of}: {_sales(rows, long)} not counted{unknown}{place}"


def _sales(rows: pl.DataFrame, long: pl.DataFrame) -> str:
    """`sales of 120 (2.3 % of all) are`."""
    y, every = (_finite_sales(frame) for frame in (rows, long))
    share = f" ({np.abs(y).sum() / np.abs(every).sum():.1%} of all)" if every.any() else ""
    return f"sales of {y.sum():,.10g}{share} are"


def _finite_sales(rows: pl.DataFrame) -> NDArray[np.float64]:
    """y of the rows that hold a finite number."""
    return rows.filter(pl.col("y").is_finite())["y"].to_numpy()
