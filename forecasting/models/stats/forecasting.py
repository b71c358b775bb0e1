"""Forecasts of one series from its stored coefficients, or the reason why there is none: `try_forecast`.

It takes a StatsForecastSpec, a Series, its Coefficients and levels and returns ({_yhat, lo-L, hi-L: array of h values},
None), or (None, reason) where the class fails or the forecast is not finite or far above all that was observed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasting.data.schemas import interval_columns
from forecasting.models.stats import state
from forecasting.models.stats.histories import Array, Series
from forecasting.models.stats.statsforecast_spec import StatsForecastSpec

RUNAWAY = 10.0
"""A forecast so many times as large as the largest value ever observed is taken for a fault of the fit."""
SIMULATED = ("AutoCES",)
"""Classes that simulate their bounds, which takes ten times as long as to fit them."""
LOGS = "logs"
"""Key in the params of a series that was fitted in logarithms."""


@dataclass(frozen=True)
class Coefficients:
    """What was estimated for a series: the numbers behind the fitted object, and the names of its regressors."""

    params: Mapping[str, Any]
    regressors: list[str]


def try_forecast(
    spec: StatsForecastSpec, series: Series, coefficients: Coefficients, levels: Sequence[int] = ()
) -> tuple[dict[str, Array], None] | tuple[None, str]:
    """The forecast, arrays of h values by the names _yhat, lo-L, hi-L; or None and the reason why there is none.

    There are no bounds where a class simulates them, for which it takes many times as long as for all else: those that
    matter come from errors of backtests.
    """
    levels = () if spec.cls in SIMULATED else levels
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            values = _forecast(spec, series, coefficients, levels)
    except Exception as e:  # any class may fail on any series in its particular way: that is what the ladder is for
        return None, f"{type(e).__name__}: {e}"
    mean = np.asarray(values["mean"], dtype=np.float64)
    if not np.isfinite(mean).all():
        return None, "the forecast is not finite"
    if np.abs(mean).max() > RUNAWAY * np.abs(series.y).max():
        return None, f"the forecast runs away (to {np.abs(mean).max():.3g})"
    given = [c for c in interval_columns(levels) if c in values and np.isfinite(values[c]).all()]
    return {"_yhat": mean} | {c: np.asarray(values[c], dtype=np.float64) for c in given}, None


def in_logs(series: Series) -> Series:
    """The series in logarithms, where a season that grows with the level is the same every year."""
    return replace(series, y=np.log(series.y))


def _forecast(
    spec: StatsForecastSpec, series: Series, coefficients: Coefficients, levels: Sequence[int]
) -> dict[str, Array]:
    """Mean and, where the class gives them, bounds, in units of y."""
    if LOGS not in coefficients.params:
        return _call(spec, series, coefficients, levels)
    if not (series.y > 0).all():
        raise ValueError("a value of 0 has come since the fit in logarithms")
    params = {k: v for k, v in coefficients.params.items() if k != LOGS}
    values = _call(spec, in_logs(series), replace(coefficients, params=params), levels)
    return {name: np.exp(value) for name, value in values.items()}


def _call(
    spec: StatsForecastSpec, series: Series, coefficients: Coefficients, levels: Sequence[int]
) -> dict[str, Array]:
    """`forward` of the class with the stored coefficients, or `forecast`, which estimates them again."""
    model = spec.make()
    if spec.forwards:
        state.unpack(model, dict(coefficients.params))
    forecast = model.forward if spec.forwards else model.forecast
    arguments: dict[str, Any] = {"y": series.y, "h": len(series.x_future)} | series.regressors(coefficients.regressors)
    gives_bounds = bool(levels) and not getattr(model, "only_conformal_intervals", False)
    bounds = {"level": list(levels)} if gives_bounds else {}
    try:
        values: dict[str, Array] = forecast(**arguments, **bounds)
    except Exception as e:
        if "prediction_intervals" not in str(e):
            raise
        values = forecast(**arguments)  # the class gives no bounds
    return values
