"""The series with the largest forecast, by money where there is a price, else by units: `read_largest_series`.

It takes a Session and returns [unique_id, yhat, last_year, price, value, wape] of the newest vintage (a published
forecast).
"""

from __future__ import annotations

import polars as pl

from forecasting.steps.rollups import read_series_rollups
from forecasting.steps.session import Session


def read_largest_series(session: Session, n: int = 10) -> pl.DataFrame:
    """[unique_id, yhat, last_year, price, value, wape]: the `n` series with the largest forecast of the newest vintage.

    yhat and last_year are sums over the horizon in units; price is the last observed one and value = yhat * price, both
    null without a price column; wape is that of the champion in its backtest, as a share. Sorted by value, by yhat
    without prices. Empty before the first forecast.
    """
    rows = read_series_rollups(session).drop("bias")
    rows = rows.with_columns(value=pl.col("yhat") * pl.col("price"))
    order = "value" if rows["value"].count() else "yhat"
    return rows.sort(order, "unique_id", descending=[True, False], nulls_last=True).head(n)
