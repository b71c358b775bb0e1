"""Forecasts at an origin: the rows of every bucket, then those that need all buckets, then those of the aggregates."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from forecasting.data.panel import KEY
from forecasting.steps.forecasting import reconciliation
from forecasting.steps.forecasting.aggregates import aggregate_rows, partial_sums
from forecasting.steps.forecasting.bucket_forecasts import expected_error, forecast_bucket, predictions
from forecasting.steps.forecasting.origin import Origin, memberships_in
from forecasting.steps.forecasting.training import Trained


def forecast(trained: Trained, at: Origin, truth: pl.DataFrame | None = None) -> Iterator[pl.DataFrame]:
    """Rows of the table `forecasts` without calibrated bounds: bucket by bucket, then of models that reconcile all
    series, last of the aggregates.

    Beside the table's columns: bounds of models that have some of their own, `scale` (the error to expect), mase_scale
    and rmsse_scale. With `truth` [unique_id, ds, y], y is joined, and sums are over rows with an observed y.
    """
    sums, members, below = [], [], []
    for bucket in at.cut.panel.buckets:
        rows = forecast_bucket(trained, at.cut, bucket)
        if truth is not None:
            rows = rows.join(truth, on=KEY, how="left")
        members.append(memberships_in(at.cut.frame(bucket), at.config))
        sums.append(partial_sums(rows, members[-1]))
        below.append(reconciliation.base_rows(trained, rows))
        yield rows.with_columns(grain=pl.lit("series"))
    fitted, every = predictions(trained, "aggregates", at.aggregated, 0), pl.concat(members)
    for rows in reconciliation.reconciled_rows(trained, at, pl.concat(below, how="diagonal"), fitted, every):
        sums.append(partial_sums(rows, every))
        yield rows.with_columns(expected_error(), grain=pl.lit("series"))
    yield aggregate_rows(fitted, at, pl.concat(sums))
