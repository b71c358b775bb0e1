"""Series through one StatsForecast class: `fit_part` fits those of a Part of a bucket, `predict_bucket` forecasts each.

`fit_part` takes a StatsForecastSpec, a Cut and a Part and returns [unique_id, params, regressors, reason], `params` as
JSON, `reason` why a series failed. `predict_bucket` takes a frame of the cut and these rows and returns [unique_id,
ds, _yhat, lo-L, hi-L ...], no rows for series that failed. `coefficient_table` returns [unique_id, name, value].
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.data.schemas import interval_columns
from forecasting.models.stats import arima_likelihood, state
from forecasting.models.stats.forecasting import LOGS, Coefficients, in_logs, try_forecast
from forecasting.models.stats.histories import Array, Series, iterate_histories, select_regressors
from forecasting.models.stats.statsforecast_spec import StatsForecastSpec

PARTS, FEWEST_SERIES = 8, 16
"""The series of few buckets are fitted in up to so many parts of so many series at least: processes share the work of a
small panel, too."""
FITTED: dict[str, Any] = {
    "unique_id": pl.String,
    "params": pl.String,
    "regressors": pl.List(pl.String),
    "reason": pl.String,
}


@dataclass(frozen=True)
class Part:
    """The series `first`, `first` + `every`, ... of a bucket, which are fitted in one process."""

    bucket: int
    first: int
    every: int


def parts_of(cut: Cut, at_most: int = PARTS) -> list[Part]:
    """All series of the cut in parts: a bucket each, or where these are few, some of a bucket."""
    buckets, found = cut.panel.buckets, []
    for bucket in buckets:
        series = cut.frame(bucket)["unique_id"].n_unique() if len(buckets) < at_most else 0
        every = max(1, min(at_most // len(buckets), series // FEWEST_SERIES))
        found += [Part(bucket, first, every) for first in range(every)]
    return found


def fit_part(spec: StatsForecastSpec, cut: Cut, part: Part) -> pl.DataFrame:
    """[unique_id, params, regressors, reason]: one row per series of the part that the cut forecasts.

    `params` is JSON, null where the series could not be fitted; `reason` is the reason for that, else null.
    """
    histories = iterate_histories(spec, cut, cut.frame(part.bucket))
    rows = [_fit(spec, cut, series) for series in islice(histories, part.first, None, part.every)]
    return pl.DataFrame(rows, schema=FITTED, orient="row")


def predict_bucket(spec: StatsForecastSpec, cut: Cut, frame: pl.DataFrame, fitted: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, _yhat, lo-L, hi-L ...]: one row per future row of the series with a usable forecast, units of y.

    `frame` is a frame of the cut, `fitted` holds rows of `fit_part`; bounds are there where the class gives some.
    """
    here = pl.col("unique_id").is_in(frame["unique_id"].unique().implode())  # of all that were fitted
    usable = {row[0]: row[1:] for row in fitted.filter(here, pl.col("reason").is_null()).iter_rows()}
    forecasts: dict[str, dict[str, Array]] = {}
    for series in iterate_histories(spec, cut, frame):
        if series.unique_id in usable:
            params, regressors, _ = usable[series.unique_id]
            coefficients = Coefficients(json.loads(params), regressors)
            values, _ = try_forecast(spec, series, coefficients, cut.config.level)
            if values is not None:
                forecasts[series.unique_id] = values
    future = frame.lazy().filter(pl.col("ds") > cut.cutoff, pl.col("unique_id").is_in(list(forecasts)))
    given = [c for c in interval_columns(cut.config.level) if any(c in values for values in forecasts.values())]
    columns = [_column(name, list(forecasts.values())) for name in ("_yhat", *given)]
    return future.select(KEY).collect().with_columns(columns)


def _column(name: str, forecasts: list[dict[str, Array]]) -> pl.Series:
    """The values of this name of all forecasts, one after the other; null for those without."""
    parts = [values[name] if name in values else np.full(len(values["_yhat"]), np.nan) for values in forecasts]
    return pl.Series(name, np.concatenate([np.empty(0), *parts]), nan_to_null=True)


def coefficient_table(fitted: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, name, value]: one row per estimated number of the series in `fitted`, rows of `fit_part`."""
    rows = [
        (unique_id, name, value)
        for unique_id, params, regressors, reason in fitted.iter_rows()
        if reason is None
        for name, value in state.named_coefficients(json.loads(params), regressors).items()
    ]
    return pl.DataFrame(rows, schema={"unique_id": pl.String, "name": pl.String, "value": pl.Float64}, orient="row")


def _fit(spec: StatsForecastSpec, cut: Cut, series: Series) -> tuple[str, str | None, list[str], str | None]:
    """A row of FITTED: what was estimated, or the reason why nothing was."""
    regressors = select_regressors(series, cut.config.columns.open)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            use_logs = spec.transform == "log" and bool((series.y > 0).all())
            params = _estimate(spec, in_logs(series) if use_logs else series, regressors)
            params |= {LOGS: True} if use_logs else {}
    except Exception as e:  # any class may fail on any series in its particular way: that is what the ladder is for
        return series.unique_id, None, regressors, f"{type(e).__name__}: {e}"
    _, reason = try_forecast(spec, series, Coefficients(params, regressors))
    return series.unique_id, None if reason else json.dumps(params), regressors, reason


def _estimate(spec: StatsForecastSpec, series: Series, regressors: list[str]) -> dict[str, Any]:
    """The numbers that are stored of a fitted object; none for a class that is estimated again by every forecast.

    A differenced ARIMA is brought to its maximum likelihood first.
    """
    if not spec.forwards:
        return {}
    x = series.regressors(regressors)["X"]
    refined = spec.options.get("distribution", "normal") == "normal" and not spec.options.get("fixed")
    params = state.pack((_quick_start(spec) if refined else spec).make().fit(series.y, x))
    return arima_likelihood.refine(params, series.y, x) if refined and sum(params.get("arma", ())[5:]) else params


def _quick_start(spec: StatsForecastSpec) -> StatsForecastSpec:
    """The specification whose estimate `refine` starts from: of a differenced ARIMA conditional least squares, which
    take a tenth of the time of the likelihood that StatsForecast would add to them (see arima_likelihood).
    """
    differences = sum(spec.options.get(order, (0, 0, 0))[1] for order in ("order", "seasonal_order"))
    if spec.cls != "ARIMA" or not differences or "method" in spec.options:
        return spec
    return replace(spec, options=spec.options | {"method": "CSS"})
