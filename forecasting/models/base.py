"""Protocols of models: `Model.fit(cut)` returns a Fitted, and `Fitted.predict(cut, bucket)` its forecasts of a bucket.

Forecasts are rows [unique_id, ds, yhat, source, cold_start ...], one per future row of the bucket (a part of the
series); a cut is what was known on a cutoff, future rows included. A Combination is made of other trained models.
`finish` takes forecasts and returns them no lower than they may be, and 0 where the series is closed or has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import is_shut, lowest_forecast
from forecasting.models.weights import Weights


class Fitted(Protocol):
    """A trained model: forecasts any cut at or after the one it was trained on, and saves itself in native formats."""

    @property
    def name(self) -> str:
        """The value of `model` in its forecast rows."""

    @property
    def family(self) -> str:
        """The module of forecasting.models that can load it."""

    @property
    def failures(self) -> pl.DataFrame:
        """[unique_id, reason]: one row per series that it could not be fitted on, for which a fallback is used."""

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """[unique_id, ds, yhat, source, cold_start]: one row per future row of the bucket, in units of y.

        Optionally q50 and lo-* / hi-* of the model. `source` names the model, or the fallback that forecast the row
        (see models/sources); `cold_start` is true where that were similar series, as the series has no history.
        """

    def save(self, folder: Path) -> None:
        """Write what `load(folder)` of the family's module needs: text, JSON or Parquet, never a pickle."""


class Model(Protocol):
    """An untrained model. `on` is what it is trained on: the panel's series or their aggregates."""

    @property
    def name(self) -> str:
        """The value of `model` in its forecast rows."""

    @property
    def family(self) -> str:
        """Its module in forecasting.models."""

    @property
    def on(self) -> str:
        """series or aggregates."""

    def fit(self, cut: Cut) -> Fitted:
        """Train on what the cut knows."""


class BacktestEvidence(Protocol):
    """What combinations learn from earlier backtests about the models that they combine."""

    def weights(self, names: Sequence[str]) -> Weights:
        """Weights of these models that would have been best."""

    def variances(self, names: Sequence[str]) -> pl.DataFrame:
        """[model, unique_id, var]: mean squared errors of a model of series and one of aggregates, units of y^2."""


@runtime_checkable
class Combination(Protocol):
    """A Model that combines others, from which it is made once these are trained."""

    def combine_fitted(self, trained: Mapping[str, Fitted], evidence: BacktestEvidence) -> Fitted:
        """The combination of models trained before, by name."""


@runtime_checkable
class ModelInMemory(Protocol):
    """A Model that learns from all series at once, and knows before how much memory this takes."""

    def estimate_memory(self, cut: Cut) -> int:
        """Bytes that `fit` will hold at its peak, beside the frames of a bucket and what the cut has cached."""


@runtime_checkable
class FittedWithRemarks(Protocol):
    """A Fitted that learned in another way than its entry in the config says."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know of it, each text to follow the name of the model."""


@runtime_checkable
class FittedCombination(Protocol):
    """A Fitted whose forecasts are made of those of other models."""

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The names of these models."""

    def combine_forecasts(self, forecasts: Mapping[str, pl.DataFrame], cut: Cut) -> pl.DataFrame:
        """Rows as from `predict`, from those of other models of a bucket of the cut, by name.

        No rows where a bucket is not enough: these are made when all buckets and aggregates have been forecast.
        """


NO_FAILURES = pl.DataFrame(schema={"unique_id": pl.String, "reason": pl.String})


def finish(forecast: pl.DataFrame) -> pl.DataFrame:
    """The rows with yhat, q50 and bounds no less than `yhat_min`, and 0 where the series is closed or has ended.

    `forecast` holds [yhat, closed, yhat_min, perhaps q50, lo-L, hi-L].
    """
    numbers = [c for c in forecast.columns if c in ("yhat", "q50") or c.startswith(("lo-", "hi-"))]
    least = pl.col("yhat_min")
    bounded = forecast.with_columns(pl.when(pl.col(c) < least).then(least).otherwise(c).alias(c) for c in numbers)
    return bounded.with_columns(pl.when("closed").then(0.0).otherwise(pl.col(numbers)).name.keep())


def with_limits(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows of a cut with `closed` (nothing can be sold: the series is closed or has ended) and `yhat_min`, the
    least that a forecast may be (null: anything).
    """
    return rows.with_columns(closed=is_shut(config), yhat_min=lowest_forecast(config).over("unique_id"))
