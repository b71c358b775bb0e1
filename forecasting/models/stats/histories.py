"""Series as StatsForecast takes them: arrays without gaps, with the history and future of their regressors.

`iterate_histories` takes a StatsForecastSpec, a Cut and a frame of it, and yields one Series per series that has future
rows; periods without an observation are filled in. `select_regressors` takes a Series and returns the names of the
regressors that can be estimated from its history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.known_ahead import fill_unknown
from forecasting.data.panel import KEY
from forecasting.models.stats.statsforecast_spec import StatsForecastSpec, classes

ROWS_PER_REGRESSOR = 10
SEASONS = 3
"""The fewest seasons that are used, however few `periods` the config has: models difference by the season."""
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Series:
    """One series as arrays: y (n,), the regressors' history X (n, k) and future X_future (h, k), and their names.

    `unknown` are the regressors without any value on the coming days.
    """

    unique_id: str
    y: Array
    x: Array
    x_future: Array
    names: tuple[str, ...]
    unknown: frozenset[str] = frozenset()

    def regressors(self, names: list[str]) -> dict[str, Array | None]:
        """X and X_future of the named regressors, None where there are none."""
        at = [self.names.index(n) for n in names]
        return {"X": self.x[:, at], "X_future": self.x_future[:, at]} if at else {"X": None, "X_future": None}


def iterate_histories(spec: StatsForecastSpec, cut: Cut, frame: pl.DataFrame) -> Iterator[Series]:
    """The series of a frame that have future rows, without gaps from their first observation to the cutoff, or from the
    first one of the newest `periods` of the specification.
    """
    columns = _regressor_columns(spec, cut.config, frame)
    future = frame.filter(pl.col("ds") > cut.cutoff)
    alive = frame.join(future.select("unique_id").unique(), on="unique_id", how="semi", maintain_order="left")
    if spec.periods:
        used = max(spec.periods, SEASONS * cut.config.season)
        alive = alive.filter(pl.col("ds") > cut.config.frequency.shift(cut.cutoff, -used))
    began = pl.col("ds") >= pl.col("ds").filter(pl.col("y").is_not_null()).min().over("unique_id")
    rows = _fill_gaps(alive.filter(began), cut, columns)
    known = future.group_by("unique_id").agg(pl.col(columns).count()) if columns else pl.DataFrame()
    unknown = {
        i: frozenset(c for c, n in zip(columns, counts, strict=True) if not n) for i, *counts in known.iter_rows()
    }
    y = rows["y"].to_numpy(writable=True)
    x = np.ascontiguousarray(rows.select(columns).to_numpy()).reshape(rows.height, len(columns))  # also of no rows
    past_rows = (pl.col("ds") <= cut.cutoff).sum()
    first = 0
    for unique_id, past, length in rows.group_by("unique_id", maintain_order=True).agg(past_rows, pl.len()).iter_rows():
        now, end = first + past, first + length
        lacking = unknown.get(unique_id, frozenset())
        yield Series(unique_id, y[first:now], x[first:now], x[now:end], columns, lacking)
        first = end


def _regressor_columns(spec: StatsForecastSpec, config: Config, frame: pl.DataFrame) -> tuple[str, ...]:
    if spec.regressors is not None:
        return spec.regressors
    if not getattr(classes()[spec.cls], "uses_exog", False):
        return ()
    schema = frame.schema
    return tuple(c for c in config.columns.known_ahead if c in schema and schema[c].is_numeric())


def _fill_gaps(rows: pl.DataFrame, cut: Cut, columns: tuple[str, ...]) -> pl.DataFrame:
    """[unique_id, ds, y, regressors ...] without nulls: StatsForecast would take the rows around a gap as adjacent and
    a null as an error or as zeros.

    y: the last value in the same phase of the season, else interpolated, else the last one. Regressors: on coming days
    the usual value, in the past the last one, before the first one the first; a regressor without any value is 0.
    """
    config, series = cut.config, "unique_id"
    steps = config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds"))
    phase = (steps % config.season + config.season) % config.season
    seasonal = pl.col("y").forward_fill().over(series, phase)
    y = pl.coalesce("y", seasonal, pl.col("y").interpolate().over(series), pl.col("y").forward_fill().over(series))
    rows = rows.with_columns(pl.col(columns).cast(pl.Float64).fill_nan(None)) if columns else rows
    rows = fill_unknown(rows, columns, config, cut.cutoff)
    filled = [pl.col(c).forward_fill().backward_fill().over(series).fill_null(0.0) for c in columns]
    return rows.select(*KEY, y, *filled)


def select_regressors(series: Series, open_column: str | None) -> list[str]:
    """Names of the regressors that can be estimated: not constant, not collinear, at most one per ten observations.

    One without any value on the coming days is left out: the model does better that never looked at it.
    A closed day is imputed as an open one, so `open_column` has nothing left to explain, unless it is the open share of
    an aggregate.
    """
    kept: list[str] = []
    basis = np.ones((len(series.y), 1))
    for i, name in enumerate(series.names):
        column = series.x[:, [i]]
        spread = np.ptp(column)
        is_flag = name == open_column and bool(np.isin(column, (0, 1)).all())
        room = (len(kept) + 1) * ROWS_PER_REGRESSOR <= len(series.y)
        if spread == 0 or is_flag or not room or name in series.unknown:
            continue
        wider = np.hstack([basis, (column - column.min()) / spread])
        if np.linalg.matrix_rank(wider) > basis.shape[1]:
            basis, kept = wider, [*kept, name]
    return kept
