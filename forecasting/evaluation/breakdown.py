"""Where a forecast is good and where it is not: by segment, horizon and promotion, and the series that cost most."""

from __future__ import annotations

import polars as pl

from forecasting.evaluation.metrics import expression, pool_metrics, ratio, scored_rows

AE = (pl.col("q50") - pl.col("y")).abs()
SOLD = pl.col("y").abs().sum()
WAPE, BIAS = expression("wape"), expression("bias")


def break_down_errors(rows: pl.DataFrame, reference: pl.DataFrame, by: str) -> pl.DataFrame:
    """[by, part, series, of_sales, of_error, wape, bias, reference_wape, gain] by the values of the column `by`.

    `rows` are the backtest rows of one model, `reference` those of another one; of_sales and of_error are shares of all
    rows that have a part, gain is in WAPE.
    """
    own = scored_rows(rows).drop_nulls(by)
    told = {"series": pl.col("unique_id").n_unique().cast(pl.Int64), "sold": SOLD, "error": AE.sum()}
    made = pool_metrics(own, [by], told | {"wape": WAPE, "bias": BIAS})
    other = pool_metrics(scored_rows(reference).drop_nulls(by), [by], {"reference_wape": WAPE})
    both = made.join(other, on=by, how="left").sort(by)
    shares = {"of_sales": ratio(pl.col("sold"), pl.col("sold").sum())}
    shares |= {"of_error": ratio(pl.col("error"), pl.col("error").sum())}
    both = both.with_columns(**shares, gain=pl.col("reference_wape") - pl.col("wape"))
    columns = ("series", "of_sales", "of_error", "wape", "bias", "reference_wape", "gain")
    return both.select(pl.lit(by).alias("by"), pl.col(by).cast(pl.String).alias("part"), *columns)


def costliest_series(rows: pl.DataFrame, n: int) -> pl.DataFrame:
    """[unique_id, of_error, of_sales, wape, bias, y, yhat]: the `n` series with the largest share of all absolute
    errors of one model; y and yhat are sums over all rows.
    """
    sums = {"y": pl.col("y").sum(), "yhat": pl.col("yhat").sum(), "error": AE.sum(), "sold": SOLD}
    each = pool_metrics(scored_rows(rows), ["unique_id"], sums | {"wape": WAPE, "bias": BIAS})
    of_error, of_sales = (ratio(pl.col(c), pl.col(c).sum()) for c in ("error", "sold"))
    told = each.with_columns(of_error=of_error, of_sales=of_sales)
    top = told.sort("of_error", "unique_id", descending=[True, False], nulls_last=True).head(n)
    return top.select("unique_id", "of_error", "of_sales", "wape", "bias", "y", "yhat")
