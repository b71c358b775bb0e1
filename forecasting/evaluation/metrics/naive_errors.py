"""In-sample errors of naive forecasts: `naive_error_scales` returns the scales of MASE and RMSSE of every series.

It takes a history [unique_id, ds, y] with a row for every period and the length of the season in periods, and returns
[unique_id, mase_scale, rmsse_scale, mean, pairs]; rmsse_scale is a squared error, of neighbouring periods.
"""

from __future__ import annotations

import polars as pl

from forecasting.sorted_rows import lag, sort_rows

Y = pl.col("y")


def naive_error_scales(history: pl.DataFrame, season_length: int) -> pl.DataFrame:
    """[unique_id, mase_scale, rmsse_scale, mean, pairs]: in-sample naive errors, one row per series of [unique_id, ds,
    y].

    mase_scale is the mean |y_t - y_(t-m)| in units of y, rmsse_scale the mean (y_t - y_(t-1))^2 in units of y squared,
    both over the pairs where both are observed (Hyndman & Koehler 2006; M5); mean is that of the observed |y|,
    and pairs the number of those behind mase_scale.
    The history has a row for every period, y null where nothing was observed, as the panel has; a series without a
    pair gets null.

    >>> history = pl.DataFrame({"unique_id": "a", "ds": range(4), "y": [1.0, 2.0, 4.0, 6.0]})
    >>> naive_error_scales(history, season_length=2).row(0)
    ('a', 3.5, 3.0, 3.25, 2)
    """
    ordered = sort_rows(history.select("unique_id", "ds", "y"), ("unique_id", "ds"))
    gaps = ordered.select(
        "unique_id",
        "y",
        season=(Y - lag(Y, season_length)).abs(),
        step=(Y - lag(Y, 1)) ** 2,
    )
    return gaps.group_by("unique_id", maintain_order=True).agg(
        mase_scale=pl.col("season").mean(),
        rmsse_scale=pl.col("step").mean(),
        mean=Y.abs().mean(),
        pairs=pl.col("season").count(),
    )
