"""Scores of backtest rows: `score` computes every metric of the registry, by any grouping, as a long frame.

It takes rows of `backtests` (unique_id, ds, cutoff, y, yhat, mase_scale, rmsse_scale ...) and the columns to group by,
and returns [*by, metric, value]. `pool_metrics` takes {metric: expression} and returns one column per metric. Rows
without an observation (y null) are not scored; one with y and without a forecast raises ValueError in `score`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from forecasting.evaluation.metrics.expressions import Y, levels_of
from forecasting.evaluation.metrics.registry import METRICS, row_expressions, series_expressions

SERIES_KEY = ("unique_id", "cutoff")


def scored_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with an observation, columns as they came; q50 is yhat where it is not given.

    Raises ValueError when such a row has no finite forecast: leaving it out would flatter the model.
    """
    if "q50" not in frame.columns:
        frame = frame.with_columns(q50=pl.col("yhat"))
    rows = frame.filter(Y.is_not_null()).with_columns(pl.col("q50").fill_null(pl.col("yhat")))
    lost = rows.filter(~pl.col("yhat").is_finite().fill_null(value=False))
    if lost.height:
        example = lost.select("unique_id", "cutoff", "ds").row(0)
        raise ValueError(f"{lost.height} of {rows.height} rows with a sale have no forecast, for example {example}")
    return rows


def score(frame: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Scores of the forecasts in `frame` as a long frame [*by, metric, value].

    `frame` has unique_id, ds, cutoff, y, yhat, mase_scale, rmsse_scale and may have q50 and lo- / hi- columns.
    Errors are in units of y, wape, bias, coverage and r2 are shares, smape is 0 to 200, mase, rmsse and sis are
    multiples of the in-sample error. An undefined score has no row; `mase_excluded` and `rmsse_excluded` count the
    series and cutoffs whose scale is undefined. Raises ValueError when a row with an observation has no forecast.

    >>> frame = pl.DataFrame({"unique_id": "a", "ds": [1, 2], "cutoff": 0, "y": [10.0, 30.0], "yhat": [12.0, 28.0],
    ...     "mase_scale": 4.0, "rmsse_scale": 4.0})
    >>> dict(score(frame).select("metric", "value").rows())["wape"]
    0.1
    """
    rows, levels = scored_rows(frame), levels_of(frame.columns)
    wide = pool_metrics(rows, by, row_expressions(levels))
    means = average_over_series(rows, by, series_expressions(levels))
    return pl.concat([to_long(wide, by), to_long(means, by)]).sort(*by, "metric", nulls_last=False)


def pool_metrics(rows: pl.DataFrame, by: Sequence[str], metrics: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Metrics pooled over the rows of each group: one row per group of `by`, one column per metric."""
    return aggregate(rows, by, [expr.alias(name) for name, expr in metrics.items()])


def average_over_series(rows: pl.DataFrame, by: Sequence[str], metrics: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Metrics per series and cutoff, averaged: one row per group of `by`, with counts of the undefined ones as
    `<metric>_excluded`.
    """
    each = pool_metrics(rows, list(dict.fromkeys([*by, *SERIES_KEY])), metrics)
    means = [pl.col(name).mean() for name in metrics]
    counts = [pl.col(n).null_count().cast(pl.Float64).alias(f"{n}_excluded") for n in metrics if n in METRICS]
    return aggregate(each, by, means + counts)


def aggregate(frame: pl.DataFrame, by: Sequence[str], exprs: list[pl.Expr]) -> pl.DataFrame:
    """One row of aggregates per group; one row in all without groups, and none for an empty frame."""
    if by:  # in order, or the last digit of a mean over groups would change from run to run
        return frame.group_by(by, maintain_order=True).agg(exprs)
    return frame.select(exprs).head(min(frame.height, 1))


def to_long(wide: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """[*by, metric, value] from one column per metric, without the undefined scores."""
    long = wide.unpivot(index=list(by), variable_name="metric", value_name="value")
    return long.with_columns(pl.col("value").cast(pl.Float64)).drop_nulls("value")
