"""Sales below 0: `sales_below_zero` adds up those of good rows, `negative_sales` says in a Remark how many there are.

They count as returns, so that what is learned and forecast is net; which the user should know, since they may be slips.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from forecasting.config import Config
from forecasting.remarks import Remark

EXAMPLES = 3


def sales_below_zero(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[unique_id, y, rows]: the sum and number of rows below 0 of each series; none of those that `clean` changes."""
    below = rows.filter(pl.col("y") < 0)
    if config.clean.y_min is not None:
        below = below.filter(pl.col("y") >= config.clean.y_min)
    return below.group_by("unique_id").agg(pl.col("y").sum(), rows=pl.len())


def negative_sales(below: pl.DataFrame, rows: int, size: float) -> Iterator[Remark]:
    """One remark on the sales below 0 of all series, with their sum and the series that hold most of it.

    `rows` and `size` are the number of all rows and the sum of |y|.
    """
    if below.is_empty():
        return
    most, amount = below.sort("y", "unique_id"), float(below["y"].sum())
    named = ", ".join(f"{name} {y:,.10g}" for name, y in most.select("unique_id", "y").head(EXAMPLES).iter_rows())
    more = f" and {most.height - EXAMPLES:,} more series" if most.height > EXAMPLES else ""
    yield Remark(
        "returns",
        f"{below['rows'].sum():,} of {rows:,} rows are below 0, {amount:,.10g} in all ({-amount / size:.1%} of all "
        f"sales and returns: {named}{more}): they count, and what is forecast is net; if nothing can be below 0, "
        "clean.below says what becomes of them",
        "none",
    )
