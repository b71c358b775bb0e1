"""Forecasts by Trained models at an Origin: `forecast` yields the rows, `write_forecasts` writes them with bounds.

An origin is a cut of the series and one of their aggregates. Both go bucket by bucket, then over models that need all
buckets, then aggregates; `write_forecasts` takes a Destination and returns counts (Written). Nothing is fitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from forecasting.data.cut import forget_bucket
from forecasting.data.panel import InMemory, Panel
from forecasting.data.schemas import AGGREGATE_BUCKET
from forecasting.services.console import track_rows
from forecasting.services.store.scratch import scratch_folder
from forecasting.services.store.unfinished import Progress
from forecasting.steps.forecasting.aggregates import aggregate_rows, partial_sums
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket, predictions
from forecasting.steps.forecasting.bucket_worker import BucketSummary, BucketWorker, Shared
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.forecasting.ensembles import combine_medians
from forecasting.steps.forecasting.origin import Origin, memberships_in
from forecasting.steps.forecasting.reconciliation import base_rows, reconciled_rows, reconcilers
from forecasting.steps.forecasting.stored_rows import Destination
from forecasting.steps.forecasting.training import Trained


def forecast(trained: Trained, at: Origin) -> Iterator[pl.DataFrame]:
    """Rows of the table `forecasts` without calibrated bounds: bucket by bucket, then of models that reconcile all
    series, last of the aggregates; nothing is stored.

    Beside the table's columns: bounds of models that have some of their own, `scale` (the error to expect), mase_scale
    and rmsse_scale.
    """
    sums, members, bases = [], [], {}
    for bucket in at.cut.panel.buckets:
        rows = forecast_bucket(trained, at.cut, bucket)
        members.append(memberships_in(at.cut.frame(bucket), at.config))
        sums.append(partial_sums(rows, members[-1]))
        bases[bucket] = InMemory(base_rows(trained, rows))
        yield rows.with_columns(grain=pl.lit("series"))
    fitted, every = predictions(trained, "aggregates", at.aggregated, 0), pl.concat(members)
    for _, rows in reconciled_rows(trained, at, bases, fitted, every):
        sums.append(partial_sums(rows, every))
        yield rows.with_columns(grain=pl.lit("series"))
    yield aggregate_rows(fitted, at, pl.concat(sums))


@dataclass(frozen=True)
class Written:
    """What was written for an origin: counts of rows and series, the first and the last day, and the series that
    are silent (see `closures.ended.silent_series`).
    """

    rows: int
    series: int
    days: tuple[date | None, date | None]
    silent: pl.DataFrame


def write_forecasts(
    trained: Trained,
    at: Origin,
    quantiles: pl.DataFrame,
    to: Destination,
    progress: Progress,
    actuals_until: date | None = None,
) -> Written:
    """Forecast and write all rows of an origin with calibrated bounds, a bucket in memory at a time in each worker.

    Buckets that `progress` holds are not done again: their rows are written.

    `quantiles` is a table of `calibration.learn_quantiles`; with `actuals_until` rows hold the actuals (y) up to that
    day, and sums of aggregates are over rows with an observed y.
    """
    buckets = at.cut.panel.buckets
    to.remove_others([*buckets, AGGREGATE_BUCKET], list(trained.fitted))
    with scratch_folder(at.cut.panel.engine.scratch) as folder:
        worker = BucketWorker(Shared(at.cut, trained, quantiles, folder), to, progress, actuals_until)
        done = _all_buckets(worker, at.cut.panel)
    fitted = predictions(trained, "aggregates", at.aggregated, 0)
    sums, reconciled = [part.sums for part in done], 0
    if reconcilers(trained):
        bases = {bucket: partial(progress.frame, f"base-{bucket}") for bucket in buckets}
        every = pl.concat([progress.frame(f"members-{bucket}") for bucket in buckets]).collect()
        for bucket, rows in reconciled_rows(trained, at, bases, fitted, every):
            sums.append(partial_sums(rows, every))
            part = calibrate(rows.with_columns(grain=pl.lit("series")), quantiles, at.config)
            to.write(part, bucket, rows["model"].unique().to_list())
            reconciled += rows.height
    aggregates = calibrate(aggregate_rows(fitted, at, pl.concat(sums)), quantiles, at.config)
    aggregates = combine_medians(aggregates, trained.fitted_on("aggregates"), at.config.level)
    to.write(aggregates, AGGREGATE_BUCKET)
    return _written(done, aggregates, reconciled)


def _all_buckets(worker: BucketWorker, panel: Panel) -> list[BucketSummary]:
    """The summaries of all buckets, of which only those are done that the progress does not hold."""
    kept = {bucket: BucketSummary.kept(worker.progress, bucket) for bucket in panel.buckets}
    left = [bucket for bucket, summary in kept.items() if summary is None]
    for fitted_on in (*panel.buckets, None) if len(left) > 1 else ():  # workers have caches of their own
        forget_bucket(worker.shared.cut, fitted_on)
    done = panel.engine.map(worker, left)
    label = f"forecast at {worker.shared.cut.cutoff}: buckets"
    tracked = track_rows(done, label, len(kept), lambda summary: summary.rows, left)
    kept |= dict(zip(left, tracked, strict=True))
    return [summary for summary in kept.values() if summary]


def _written(done: Sequence[BucketSummary], aggregates: pl.DataFrame, reconciled: int) -> Written:
    first, last = zip(*(part.days for part in done), strict=True)
    days = min((d for d in first if d), default=None), max((d for d in last if d), default=None)
    rows = sum(part.rows for part in done) + reconciled + aggregates.height
    return Written(rows, sum(part.series for part in done), days, pl.concat(part.silent for part in done))
