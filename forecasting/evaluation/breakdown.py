"""Errors of one model by segment, horizon or promotion, and the series with the largest share of all errors.

`break_down_errors` takes rows of `backtests` of a model and of a reference and the column to group by, and returns [by,
part, series, share_of_sales, share_of_error, wape, bias, reference_wape, gain]. `costliest_series` takes rows of one
model and returns the n worst series, one row each. Rows without an observation do not count.
"""

from __future__ import annotations

import polars as pl

from forecasting.evaluation.metrics import expression, pool_metrics, ratio, scored_rows

ABSOLUTE_ERROR = (pl.col("q50") - pl.col("y")).abs().sum()
SALES = pl.col("y").abs().sum()
"""Sums over rows, in units of y: of the absolute errors of the median, and of |y|."""


def break_down_errors(rows: pl.DataFrame, reference: pl.DataFrame, by: str) -> pl.DataFrame:
    """[by, part, series, share_of_sales, share_of_error, wape, bias, reference_wape, gain]: one row per value of `by`.

    `rows` are the backtest rows of one model, `reference` those of another; rows in which `by` is null do not count.
    The shares are of the rows that count, `gain` is reference_wape less wape. Raises ValueError when a row with an
    observation has no forecast.

    >>> rows = pl.DataFrame({"unique_id": ["a", "b"], "promo": ["on", "off"], "y": [10.0, 30.0], "yhat": [8.0, 36.0]})
    >>> found = break_down_errors(rows, rows.with_columns(yhat=pl.col("y")), "promo")
    >>> found.select("part", "share_of_sales", "share_of_error", "wape").rows()
    [('off', 0.75, 0.75, 0.2), ('on', 0.25, 0.25, 0.2)]
    """
    counted = scored_rows(rows).drop_nulls(by)
    sums = {"series": pl.col("unique_id").n_unique().cast(pl.Int64), "sales": SALES, "error": ABSOLUTE_ERROR}
    parts = pool_metrics(counted, [by], sums | {"wape": expression("wape"), "bias": expression("bias")})
    others = pool_metrics(scored_rows(reference).drop_nulls(by), [by], {"reference_wape": expression("wape")})
    both = parts.join(others, on=by, how="left").sort(by)
    both = both.with_columns(**_shares(), gain=pl.col("reference_wape") - pl.col("wape"))
    columns = ("series", "share_of_sales", "share_of_error", "wape", "bias", "reference_wape", "gain")
    return both.select(pl.lit(by).alias("by"), pl.col(by).cast(pl.String).alias("part"), *columns)


def costliest_series(rows: pl.DataFrame, n: int) -> pl.DataFrame:
    """[unique_id, share_of_error, share_of_sales, wape, bias, y, yhat]: the `n` series with the largest share of all
    absolute errors of one model, one row each; y and yhat are sums over all rows, in units of y.

    Raises ValueError when a row with an observation has no forecast.
    """
    sums = {"y": pl.col("y").sum(), "yhat": pl.col("yhat").sum(), "error": ABSOLUTE_ERROR, "sales": SALES}
    metrics = {"wape": expression("wape"), "bias": expression("bias")}
    series = pool_metrics(scored_rows(rows), ["unique_id"], sums | metrics).with_columns(**_shares())
    top = series.sort("share_of_error", "unique_id", descending=[True, False], nulls_last=True).head(n)
    return top.select("unique_id", "share_of_error", "share_of_sales", "wape", "bias", "y", "yhat")


def _shares() -> dict[str, pl.Expr]:
    return {f"share_of_{c}": ratio(pl.col(c), pl.col(c).sum()) for c in ("sales", "error")}
