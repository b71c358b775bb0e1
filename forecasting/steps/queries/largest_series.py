"""The series with the largest forecast, by money where there is a price, else by units: `read_largest_series`.

It takes a Session and returns [unique_id, yhat, last_year, price, value] of the newest vintage (a published forecast);
`sum_horizon_by_series` returns [unique_id, yhat, last_year] of all series.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.services.store.vintages import scan_published
from forecasting.steps.queries.status import read_status
from forecasting.steps.session import Session


def read_largest_series(session: Session, n: int = 10) -> pl.DataFrame:
    """[unique_id, yhat, last_year, price, value]: the `n` series with the largest forecast of the newest vintage.

    yhat and last_year are sums over the horizon in units; price is the last observed one and value = yhat * price, both
    null without a price column. Sorted by value, by yhat without prices. Empty before the first forecast.
    """
    cutoff = read_status(session).cutoff
    if cutoff is None:
        return pl.DataFrame()
    rows = sum_horizon_by_series(session, cutoff).join(_last_prices(session, cutoff), on="unique_id", how="left")
    rows = rows.with_columns(value=pl.col("yhat") * pl.col("price"))
    order = "value" if rows["value"].count() else "yhat"
    return rows.sort(order, "unique_id", descending=[True, False], nulls_last=True).head(n)


def sum_horizon_by_series(session: Session, cutoff: date) -> pl.DataFrame:
    """[unique_id, yhat, last_year]: one row per series, the champion's forecast over the horizon of the newest vintage.

    last_year sums sales of the same periods a year before; null for a series without a row for each of them. Periods in
    which nothing was observed (closed, say) count as nothing sold, as their forecast does. In units of the target.
    """
    store, frequency = session.store, session.config.frequency
    version, champion = session.vintages.select("version", "champion").row(0)
    rows = scan_published(store, "forecasts", cutoff=cutoff)
    rows = rows.filter(pl.col("version") == version, pl.col("model") == champion, pl.col("grain") == "series")
    ahead = rows.group_by("unique_id").agg(pl.col("yhat").sum(), n=pl.len())
    first, last = (frequency.shift(cutoff, step - frequency.year) for step in (1, session.config.h))
    before = store.scan("panel").filter(pl.col("ds").is_between(first, last) & (pl.col("flag") != "ahead"))
    before = before.group_by("unique_id").agg(_y=pl.col("y").sum(), _rows=pl.len(), _observed=pl.col("y").count())
    complete = (pl.col("_rows") >= pl.col("n")) & (pl.col("_observed") > 0)
    both = ahead.join(before, on="unique_id", how="left")
    return both.select("unique_id", "yhat", last_year=pl.when(complete).then("_y")).collect()


def _last_prices(session: Session, cutoff: date) -> pl.DataFrame:
    """[unique_id, price]: the last observed price of each series in the recent periods before the cutoff."""
    column = session.config.columns.price
    if column is None:
        return pl.DataFrame(schema={"unique_id": pl.String, "price": pl.Float64})
    start = session.config.frequency.shift(cutoff, -session.config.frequency.level_window)
    rows = session.store.scan("panel").filter(pl.col("ds").is_between(start, cutoff))
    priced = rows.drop_nulls(column).group_by("unique_id").agg(price=pl.col(column).sort_by("ds").last())
    return priced.with_columns(pl.col("price").cast(pl.Float64)).collect()
