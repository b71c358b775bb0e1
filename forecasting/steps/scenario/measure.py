"""What a scenario adds: `measure` takes a Served and a Scenario and returns sums of units, revenue and margin.

[unique_id, over, measure, baseline, scenario, difference, lo-L, hi-L ...]: of each series and of all together, over the
changed days and over the horizon, with the interval of the difference (see planning/paired). Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from forecasting.data.panel import KEY
from forecasting.evaluation.sample_paths import ErrorPool, fit_error_pool
from forecasting.planning.paired import Uncertainty, sum_differences
from forecasting.planning.response.answer import common_share
from forecasting.services.store.vintages import scan_published
from forecasting.steps.past_errors import memberships, past_errors
from forecasting.steps.scenario.run import Scenario
from forecasting.steps.serving.served import Served, buckets_of, found_once

DRAWN = ("step", "scale", "closed", "yhat_min")
"""What a sample path needs of a published row besides its forecast."""


def measure(served: Served, scenario: Scenario, level: Sequence[int] = ()) -> pl.DataFrame:
    """The sums of a scenario; `level` are the percents of the intervals (none: those of the job)."""
    levers = served.bundle.levers
    shared = 1.0 if levers is None else common_share(levers, scenario.edited)
    uncertain = Uncertainty(error_pool(served), shared, level or served.config.level)
    is_new = pl.col("unique_id").is_in(scenario.new)
    return sum_differences(drawable(served, scenario.rows).with_columns(new=is_new), uncertain)


def drawable(served: Served, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with what sample paths need, and every step of each series: those that one lacks sell nothing."""
    ids = rows.select(pl.col("unique_id").unique(maintain_order=True))
    buckets = buckets_of(served, ids.to_series()) or served.series["bucket"].head(1).to_list()
    parts = [found_once(served, f"drawn rows {b}", partial(_published, served, b)) for b in buckets]
    published = pl.concat(parts)
    steps = published.select(pl.col("ds", "step")).unique().sort("step")  # those of a new series, too
    known = published.join(ids, on="unique_id", how="semi")
    every = ids.join(steps, how="cross").join(known.drop("step"), on=KEY, how="left", maintain_order="left")
    full = every.join(rows, on=KEY, how="left", maintain_order="left")
    error = pl.col("response_error") if "response_error" in rows.columns else pl.lit(0.0)
    return full.with_columns(pl.col("changed").fill_null(value=False), response_error=error.fill_null(0.0))


def error_pool(served: Served) -> ErrorPool | None:
    """The past errors of the champion over the horizon, kept; None where no backtest tells them."""
    return found_once(served, "error pool", lambda: _fit_pool(served))


def _fit_pool(served: Served) -> ErrorPool | None:
    rows = past_errors(served.session.store, served.bundle, memberships(served.job))
    try:
        return fit_error_pool(rows.filter(grain="series"), served.job.config.h, served.job.config.clean.y_min)
    except ValueError:
        return None


def _published(served: Served, bucket: int) -> pl.DataFrame:
    rows = scan_published(served.session.store, "forecasts", cutoff=served.cutoff, bucket=bucket)
    champion = served.vintage["champion"]
    mine = rows.filter(pl.col("version") == served.version, pl.col("model") == champion, pl.col("grain") == "series")
    return mine.select(*KEY, *(c for c in DRAWN if c in rows.collect_schema())).collect()
