"""One bucket of series through one StatsForecast class: histories without gaps, regressors, fits, forecasts."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.data.schemas import interval_columns
from forecasting.models.stats import arima_likelihood, state
from forecasting.models.stats.recipe import Recipe, classes

RUNAWAY = 10.0
"""A forecast so many times as large as the largest value ever observed is taken for a fault of the fit."""
ROWS_PER_REGRESSOR = 10
LOGS = "logs"
"""Stands in the params of a series that was fitted in logarithms."""
SERIES: dict[str, Any] = {
    "unique_id": pl.String,
    "params": pl.String,
    "regressors": pl.List(pl.String),
    "reason": pl.String,
}
Array = np.ndarray[Any, np.dtype[np.float64]]
Said = dict[str, Array]


@dataclass(frozen=True)
class Series:
    """One series as arrays: y (n,), the regressors' history X (n, k) and future X_future (h, k), and their names."""

    unique_id: str
    y: Array
    x: Array
    x_future: Array
    names: tuple[str, ...]

    def drivers(self, names: list[str]) -> dict[str, Array | None]:
        """X and X_future of the named regressors, None where there are none."""
        at = [self.names.index(n) for n in names]
        return {"X": self.x[:, at], "X_future": self.x_future[:, at]} if at else {"X": None, "X_future": None}


def fit_bucket(recipe: Recipe, cut: Cut, bucket: int) -> pl.DataFrame:
    """unique_id, params, regressors, reason: one row per series that the cut forecasts."""
    rows = [_fit(recipe, cut, series) for series in histories(recipe, cut, cut.frame(bucket))]
    return pl.DataFrame(rows, schema=SERIES, orient="row")


def predict_bucket(recipe: Recipe, cut: Cut, frame: pl.DataFrame, fitted: pl.DataFrame) -> pl.DataFrame:
    """unique_id, ds, _yhat and bounds for the series of `frame` that were fitted and answer sensibly."""
    known = {row[0]: row[1:] for row in fitted.filter(pl.col("reason").is_null()).iter_rows()}
    said: dict[str, Said] = {}
    for series in histories(recipe, cut, frame):
        if series.unique_id in known:
            params, regressors, _ = known[series.unique_id]
            answer, _ = _attempt(recipe, cut, series, (json.loads(params), regressors))
            if answer is not None:
                said[series.unique_id] = answer
    asked = frame.lazy().filter(pl.col("ds") > cut.cutoff, pl.col("unique_id").is_in(list(said))).select(KEY).collect()
    given = [c for c in interval_columns(cut.config.level) if any(c in answer for answer in said.values())]
    return asked.with_columns(_column(name, list(said.values())) for name in ("_yhat", *given))


def _column(name: str, said: list[Said]) -> pl.Series:
    """What all answers hold by this name, one after the other; null for those that do not."""
    parts = [a[name] if name in a else np.full(len(a["_yhat"]), np.nan) for a in said]
    return pl.Series(name, np.concatenate([np.empty(0), *parts]), nan_to_null=True)


def coefficients(recipe: Recipe, fitted: pl.DataFrame) -> pl.DataFrame:
    """unique_id, name, value of everything estimated."""
    rows = [
        (unique_id, name, value)
        for unique_id, params, regressors, reason in fitted.iter_rows()
        if reason is None
        for name, value in state.named(json.loads(params), regressors).items()
    ]
    return pl.DataFrame(rows, schema={"unique_id": pl.String, "name": pl.String, "value": pl.Float64}, orient="row")


def histories(recipe: Recipe, cut: Cut, frame: pl.DataFrame) -> Iterator[Series]:
    """The series of a frame that have future rows, without gaps from their first observation to the cutoff."""
    columns = _columns(recipe, cut.config, frame)
    future = frame.filter(pl.col("ds") > cut.cutoff)
    alive = frame.join(future.select("unique_id").unique(), on="unique_id", how="semi", maintain_order="left")
    began = pl.col("ds") >= pl.col("ds").filter(pl.col("y").is_not_null()).min().over("unique_id")
    whole = _without_gaps(alive.filter(began), cut, columns)
    y = whole["y"].to_numpy(writable=True)
    x = np.ascontiguousarray(whole.select(columns).to_numpy()).reshape(whole.height, -1)
    over = (pl.col("ds") <= cut.cutoff).sum()
    first = 0
    for unique_id, past, length in whole.group_by("unique_id", maintain_order=True).agg(over, pl.len()).iter_rows():
        now, end = first + past, first + length
        yield Series(unique_id, y[first:now], x[first:now], x[now:end], columns)
        first = end


def _columns(recipe: Recipe, config: Config, frame: pl.DataFrame) -> tuple[str, ...]:
    if recipe.regressors is not None:
        return recipe.regressors
    if not getattr(classes()[recipe.cls], "uses_exog", False):
        return ()
    return tuple(c for c in config.columns.known_ahead if c in frame.columns and frame.schema[c].is_numeric())


def _without_gaps(rows: pl.DataFrame, cut: Cut, columns: tuple[str, ...]) -> pl.DataFrame:
    """No nulls left: StatsForecast would take gaps as adjacent and a null as an error or as zeros.

    y: the last value in the same phase of the season, else interpolated, else the last one. Regressors: the last known
    value, before the first one the first; a regressor that is never known is 0.
    """
    config, own = cut.config, "unique_id"
    steps = config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds"))
    phase = (steps % config.season + config.season) % config.season
    seasonal = pl.col("y").forward_fill().over(own, phase)
    y = pl.coalesce("y", seasonal, pl.col("y").interpolate().over(own), pl.col("y").forward_fill().over(own))
    known = [pl.col(c).cast(pl.Float64).fill_nan(None) for c in columns]
    filled = [c.forward_fill().backward_fill().over(own).fill_null(0.0) for c in known]
    return rows.select(*KEY, y, *filled)


def _fit(recipe: Recipe, cut: Cut, series: Series) -> tuple[str, str | None, list[str], str | None]:
    """A row of `fitted`: what was estimated, or the reason why nothing was."""
    regressors = _useful(series, cut.config.columns.open)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            scaled = _scaled(series) if _in_logs(recipe, series) else series
            params = _estimated(recipe, scaled, regressors) | ({} if scaled is series else {LOGS: True})
    except Exception as e:  # any class may fail on any series in a way of its own: that is what the ladder is for
        return series.unique_id, None, regressors, f"{type(e).__name__}: {e}"
    _, reason = _attempt(recipe, cut, series, (params, regressors))
    return series.unique_id, None if reason else json.dumps(params), regressors, reason


def _estimated(recipe: Recipe, series: Series, regressors: list[str]) -> dict[str, Any]:
    """What is stored of a fitted object, nothing of a class that is estimated anew by every forecast; a differenced
    ARIMA is first brought to its maximum likelihood.
    """
    if not recipe.forwards:
        return {}
    params = state.pack(recipe.make().fit(series.y, series.drivers(regressors)["X"]))
    plain = recipe.options.get("distribution", "normal") == "normal" and not recipe.options.get("fixed")
    if plain and sum(params.get("arma", ())[5:]):
        return arima_likelihood.refine(params, series.y, series.drivers(regressors)["X"])
    return params


def _scaled(series: Series) -> Series:
    """In logarithms, where a season that grows with the level is the same every year."""
    return replace(series, y=np.log(series.y))


def _in_logs(recipe: Recipe, series: Series) -> bool:
    return recipe.transform == "log" and bool((series.y > 0).all())


def _useful(series: Series, opened: str | None) -> list[str]:
    """Regressors that say something of their own: not constant, no sum of others, one per ten observations at most.

    A closed day is imputed as an open one, so there is nothing left for `opened` to explain, unless it is the share of
    an aggregate that is open.
    """
    kept: list[str] = []
    basis = np.ones((len(series.y), 1))
    for i, name in enumerate(series.names):
        column = series.x[:, [i]]
        spread = np.ptp(column)
        told = name == opened and bool(np.isin(column, (0, 1)).all())
        room = (len(kept) + 1) * ROWS_PER_REGRESSOR <= len(series.y)
        if spread == 0 or told or not room:
            continue
        wider = np.hstack([basis, (column - column.min()) / spread])
        if np.linalg.matrix_rank(wider) > basis.shape[1]:
            basis, kept = wider, [*kept, name]
    return kept


def _attempt(
    recipe: Recipe, cut: Cut, series: Series, fitted: tuple[dict[str, Any], list[str]]
) -> tuple[Said | None, str | None]:
    """The forecast by the names _yhat, lo-*, hi-*; or None and the reason why there is none."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            said = _forecast(recipe, cut, series, fitted)
    except Exception as e:  # see _fit
        return None, f"{type(e).__name__}: {e}"
    mean = np.asarray(said["mean"], dtype=np.float64)
    if not np.isfinite(mean).all():
        return None, "the forecast is not finite"
    if np.abs(mean).max() > RUNAWAY * np.abs(series.y).max():
        return None, f"the forecast runs away (to {np.abs(mean).max():.3g})"
    levels = [c for c in interval_columns(cut.config.level) if c in said and np.isfinite(said[c]).all()]
    return {"_yhat": mean} | {c: np.asarray(said[c], dtype=np.float64) for c in levels}, None


def _forecast(recipe: Recipe, cut: Cut, series: Series, fitted: tuple[dict[str, Any], list[str]]) -> dict[str, Array]:
    """Mean and, where the class gives them, bounds: by the stored coefficients, or estimated anew."""
    params, regressors = fitted
    if LOGS not in params:
        return _answer(recipe, cut, series, fitted)
    if not (series.y > 0).all():
        raise ValueError("a value of 0 has come since the fit in logarithms")
    kept = {k: v for k, v in params.items() if k != LOGS}
    said = _answer(recipe, cut, _scaled(series), (kept, regressors))
    return {name: np.exp(values) for name, values in said.items()}


def _answer(recipe: Recipe, cut: Cut, series: Series, fitted: tuple[dict[str, Any], list[str]]) -> dict[str, Array]:
    params, regressors = fitted
    model = recipe.make()
    if recipe.forwards:
        state.unpack(model, params)
    answer = model.forward if recipe.forwards else model.forecast
    asked: dict[str, Any] = {"y": series.y, "h": len(series.x_future)} | series.drivers(regressors)
    try:
        said: dict[str, Array] = answer(**asked, level=list(cut.config.level))
    except Exception as e:
        if "prediction_intervals" not in str(e):
            raise
        said = answer(**asked)  # a class without bounds of its own
    return said
