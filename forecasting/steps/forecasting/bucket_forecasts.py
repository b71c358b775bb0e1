"""Forecasts of one bucket: `forecast_bucket` takes Trained models, a Cut and a bucket, and returns rows of its series.

They are those of all models of single series; aggregates and reconciling models follow in `forecast`.

A cut is what was known on a cutoff, future rows included. Rows [unique_id, ds, yhat, source, model ...] hold `scale`,
the error to expect; calibrated bounds are added later, by `calibration`. Nothing is written.
"""

from __future__ import annotations

import polars as pl

from forecasting import models
from forecasting.data.closures.closures import CLOSED
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, is_shut, lowest_forecast
from forecasting.evaluation import intervals
from forecasting.evaluation.metrics import naive_error_scales
from forecasting.models import cold_start, guards
from forecasting.steps.forecasting.training import Trained


def forecast_bucket(trained: Trained, cut: Cut, bucket: int) -> pl.DataFrame:
    """The rows of all models of single series for a bucket (see `with_scales`)."""
    frame = cut.frame(bucket)
    return with_scales(predictions(trained, "series", cut, bucket), frame, cut, bucket)


def predictions(trained: Trained, on: str, cut: Cut, bucket: int) -> pl.DataFrame:
    """[unique_id, ds, yhat, source, model, ...] of all models that are fitted `on` series or aggregates, for one bucket
    of the cut; none exceeds what its series has ever come near (see guards).
    """
    done: dict[str, pl.DataFrame] = {}
    limits = guards.forecast_limits(cut, cut.frame(bucket))
    for name, fitted in trained.fitted.items():
        if trained.on[name] == on:
            done[name] = guards.cap_forecasts(models.predict(fitted, cut, bucket, done), limits)
    rows = [forecast.with_columns(model=pl.lit(name)) for name, forecast in done.items()]
    empty = {"unique_id": pl.String, "ds": pl.Date, "yhat": pl.Float64, "source": pl.String, "model": pl.String}
    empty |= {"cold_start": pl.Boolean}
    return pl.concat([pl.DataFrame(schema=empty), *rows], how="diagonal")


def with_scales(forecasts: pl.DataFrame, frame: pl.DataFrame, cut: Cut, bucket: int) -> pl.DataFrame:
    """The forecasts of a frame with cutoff, step, block, closed, bucket, mase_scale, rmsse_scale and `yhat_min` (the
    least that a forecast may be) of their series, `scale` (the error to expect, in units of y), and the bounds of new
    series.
    """
    config = cut.config
    # columns are chosen before rows: to filter texts takes longest
    errors = _past_errors(frame.select(*KEY, "y").filter(pl.col("ds") <= cut.cutoff), cut)
    why = pl.when(is_shut(config)).then(pl.coalesce("flag", pl.lit(CLOSED)))
    closed = frame.lazy().filter(pl.col("ds") > cut.cutoff).select(*KEY, closed=is_shut(config), _why=why).collect()
    lowest = frame.group_by("unique_id").agg(yhat_min=lowest_forecast(config))
    block_of = {step: next(e for e in config.block_ends if step <= e) for step in range(1, config.h + 1)}
    rows = forecasts.join(closed, on=KEY, how="left").join(errors, on="unique_id", how="left")
    rows = rows.join(lowest, on="unique_id", how="left")
    rows = rows.with_columns(cutoff=pl.lit(cut.cutoff), bucket=pl.lit(bucket, pl.Int32))
    rows = rows.with_columns(source=pl.coalesce("_why", "source")).drop("_why")
    rows = rows.with_columns(step=config.frequency.steps(pl.col("cutoff"), pl.col("ds")))
    block = pl.col("step").replace_strict(block_of, return_dtype=pl.Int32)
    return cold_start.add_bounds(cut, frame, rows.with_columns(expected_error(), block=block))


def _past_errors(history: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """Per series the scales of errors over all its history, and what it moved in the last year."""
    config = cut.config
    since = config.frequency.shift(cut.cutoff, -config.frequency.year - config.season)
    every, near = (naive_error_scales(rows, config.season) for rows in (history, history.filter(pl.col("ds") > since)))
    return every.drop("mean", "pairs").join(intervals.series_scales(every, near, config.season), on="unique_id")


def expected_error() -> pl.Expr:
    """`scale`, the size of an error to expect, in units of y."""
    # of a new series the level itself is in doubt
    new = pl.max_horizontal(pl.col("yhat").abs(), 1.0)
    return pl.when("cold_start").then(new).otherwise(intervals.expected_error()).alias("scale")
