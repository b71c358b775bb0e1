"""Sales that a load does not count: `uncounted_sales` takes the bad rows of a load and the repeats; returns Remarks.

The sums are of y as it came, so that the panel and the file can be reconciled. `lost_sales` returns that of bad rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from forecasting.remarks import Remark

ROW = ["file", "line", "ds"]


def lost_sales(long: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    """[y] of the rows in quarantine, null where it cannot be read."""
    return long.join(bad.select(ROW).unique(), on=ROW, how="semi", nulls_equal=True).select("y")


def uncounted_sales(
    lost: pl.DataFrame, bad: pl.DataFrame, repeats: pl.DataFrame, rows: int, size: float
) -> Iterator[Remark]:
    """One remark on the rows in quarantine and one on dropped repeats, each with their sales and share of all sales.

    `lost` are the y of the bad rows; `rows` and `size` are the number of all rows and the sum of their |y|.
    """
    if bad.height:
        yield Remark("quarantine", _quarantined(lost, bad, rows, size))
    if repeats.height:
        where = "their file" if repeats["same_file"].all() else "theirs or another file"
        yield Remark(
            "duplicates",
            f"{repeats.height:,} rows repeat an earlier row of {where} and count once: {_sales(repeats, size)} not "
            "counted; if each is a sale of its own, source.kind: transactions adds them up",
        )


def _quarantined(lost: pl.DataFrame, bad: pl.DataFrame, rows: int, size: float) -> str:
    unread = lost["y"].null_count()
    unknown = f", and {unread:,} whose sales cannot be read" if unread else ""
    rules = bad.group_by("rule").len().sort("len", "rule", descending=[True, False])
    names = ", ".join(f"{rule} {n:,}" for rule, n in rules.iter_rows())
    rows_of = f"{lost.height:,} of {rows:,} rows are in quarantine ({names})"
    first = bad.row(0, named=True)
    place = f"; the first is {first['file']}, line {first['line']}: {first['value']}"
    return f"{rows_of}: {_sales(lost, size)} not counted{unknown}{place}"


def _sales(rows: pl.DataFrame, size: float) -> str:
    """`sales of 120 (2.3 % of all) are`."""
    y = finite_sales(rows)
    share = f" ({float(y.abs().sum()) / size:.1%} of all)" if size else ""
    return f"sales of {y.sum():,.10g}{share} are"


def finite_sales(rows: pl.DataFrame) -> pl.Series:
    """y of the rows that hold a finite number."""
    return rows.filter(pl.col("y").is_finite())["y"]
