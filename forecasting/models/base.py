"""What every model can do, and what is done to every forecast."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import is_closed


class Fitted(Protocol):
    """A trained model: knows its name and family, forecasts any cut at or after its own, saves in native formats."""

    @property
    def name(self) -> str:
        """What the rows of the forecast bear."""

    @property
    def family(self) -> str:
        """The module of forecasting.models that can load it."""

    @property
    def failures(self) -> pl.DataFrame:
        """unique_id and reason of the series on which it could not be fitted; these are answered by a fallback."""

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """[unique_id, ds, yhat, source, cold_start]: one row per future row of the bucket, in units of y.

        Optionally q50 and lo-* / hi-* of the model. `source` names the model, or the fallback that forecast the row
        (see models/sources); `cold_start` is true where that were similar series, as the series has no history.
        """

    def save(self, folder: Path) -> None:
        """Write what `load(folder)` of the family's module needs: text, JSON or Parquet, never a pickle."""


class Model(Protocol):
    """A recipe that can be trained on a cut. `on` says whether its series are the panel's or its aggregates."""

    @property
    def name(self) -> str:
        """What the rows of its forecasts bear."""

    @property
    def family(self) -> str:
        """Its module in forecasting.models."""

    @property
    def on(self) -> str:
        """series or aggregates."""

    def fit(self, cut: Cut) -> Fitted:
        """Train on what the cut knows."""


NO_FAILURES = pl.DataFrame(schema={"unique_id": pl.String, "reason": pl.String})


def future(cut: Cut, bucket: int) -> pl.DataFrame:
    """The future rows of a bucket."""
    return cut.frame(bucket).filter(pl.col("ds") > cut.cutoff)


def finish(forecast: pl.DataFrame, config: Config) -> pl.DataFrame:
    """What holds for every forecast: never below y_min, and 0 on a day known to be closed (column `closed` tells)."""
    numbers = [c for c in forecast.columns if c in ("yhat", "q50") or c.startswith(("lo-", "hi-"))]
    floor = config.clean.y_min
    bounded = forecast.with_columns(pl.col(numbers).clip(lower_bound=floor)) if floor is not None else forecast
    return bounded.with_columns(pl.when("closed").then(0.0).otherwise(pl.col(numbers)).name.keep())


def with_closed(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Add `closed`: the series is known to be closed on that day."""
    return rows.with_columns(closed=is_closed(config))
