"""Sales below 0: `negative_sales` takes the good rows of a load and returns a Remark that says how many there are.

They count as returns, so that what is learned and forecast is net; which the user should know, since they may be slips.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from forecasting.config import Config
from forecasting.remarks import Remark

EXAMPLES = 3


def negative_sales(rows: pl.DataFrame, config: Config) -> Iterator[Remark]:
    """One remark on the rows below 0 of [unique_id, ds, y], with their sum and the series that hold most of it; none on
    those that `clean` changes.
    """
    below = rows.filter(pl.col("y") < 0)
    if config.clean.y_min is not None:
        below = below.filter(pl.col("y") >= config.clean.y_min)
    if below.is_empty():
        return
    amount, sizes = float(below["y"].sum()), float(rows["y"].abs().sum())
    most = below.group_by("unique_id").agg(pl.col("y").sum()).sort("y", "unique_id")
    named = ", ".join(f"{name} {y:,.10g}" for name, y in most.head(EXAMPLES).iter_rows())
    more = f" and {most.height - EXAMPLES:,} more series" if most.height > EXAMPLES else ""
    yield Remark(
        "returns",
        f"{below.height:,} of {rows.height:,} rows are below 0, {amount:,.10g} in all ({-amount / sizes:.1%} of all "
        f"sales and returns: {named}{more}): they count, and what is forecast is net; if nothing can be below 0, "
        "clean.below says what becomes of them",
        "none",
    )
