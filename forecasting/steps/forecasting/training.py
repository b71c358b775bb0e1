"""Training at an origin: every model of a recipe fitted, with what some of them learn from earlier backtests."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.evaluation import ensemble_weights, hierarchy, intervals
from forecasting.evaluation.segments import demand_segments
from forecasting.models.base import Fitted, Model
from forecasting.models.weights import Weights
from forecasting.services import log
from forecasting.steps.forecasting.origin import Origin

NO_BACKTESTS = pl.DataFrame(
    schema=dict.fromkeys(("unique_id", "model", "grain", "source"), pl.String)
    | dict.fromkeys(("ds", "cutoff"), pl.Date)
    | dict.fromkeys(("y", "yhat", "scale", "mase_scale", "rmsse_scale"), pl.Float64)
    | {"step": pl.Int32, "block": pl.Int32, "closed": pl.Boolean}
)
"""Backtest rows where there are none yet."""


@dataclass(frozen=True)
class Trained:
    """Fitted models by name, what each is fitted on, and the seconds that it took."""

    fitted: dict[str, Fitted]
    on: dict[str, str]
    seconds: dict[str, float]

    def only(self, name: str) -> Trained:
        """The one model, preceded by those that its forecasts are made of."""
        below = [self.only(member) for member in models.dependencies(self.fitted[name])]
        kept = {n: f for part in below for n, f in part.fitted.items()} | {name: self.fitted[name]}
        return Trained(kept, {n: self.on[n] for n in kept}, {})

    def failures(self) -> list[dict[str, str]]:
        """model, unique_id and reason of every series that a fallback forecasts."""
        return [{"model": name} | row for name, f in self.fitted.items() for row in f.failures.iter_rows(named=True)]


def train_models(recipe: Iterable[Model], at: Origin, backtests: pl.DataFrame) -> Trained:
    """Fit every model on what is known at the cutoff; weights and variances are learned from rows of `backtests`."""
    done = Trained({}, {}, {})
    for model in recipe:
        started = time.perf_counter()
        with log.step("fit", model=model.name, cutoff=str(at.cut.cutoff)):
            cut = at.cut_of(model.on)
            done.fitted[model.name] = models.fit(model, cut, done.fitted, Evidence(backtests, at, cut))
        done.on[model.name] = model.on
        done.seconds[model.name] = round(time.perf_counter() - started, 2)
    return done


@dataclass(frozen=True)
class Evidence:
    """What combinations learn from rows of backtests about their members; `cut` is the one that they are fitted on."""

    backtests: pl.DataFrame
    at: Origin
    cut: Cut

    def weights(self, names: Sequence[str]) -> Weights:
        """See `learn_weights`."""
        return learn_weights(self.backtests, self.cut, names)

    def variances(self, names: Sequence[str]) -> pl.DataFrame:
        """See `learn_variances`."""
        return learn_variances(self.backtests, self.at, names)


def learn_weights(backtests: pl.DataFrame, cut: Cut, members: Sequence[str]) -> Weights:
    """Weights of members by segment (demand class and volume), from windows that were over by the cutoff."""
    history = pl.concat([_history(cut, bucket) for bucket in cut.panel.buckets])
    classes = demand_segments(history).select("unique_id", segment=pl.format("{}/{}", "segment", "volume"))
    over = backtests.filter(pl.col("ds").max().over("cutoff") <= cut.cutoff).join(classes, on="unique_id", how="semi")
    return Weights(ensemble_weights.fit_weights(over, classes, members), classes)


def _history(cut: Cut, bucket: int) -> pl.DataFrame:
    return cut.frame(bucket).filter(pl.col("ds") <= cut.cutoff).select(*KEY, "y")


def learn_variances(backtests: pl.DataFrame, at: Origin, names: Sequence[str]) -> pl.DataFrame:
    """[model, unique_id, var] of a model of series and one of aggregates: their mean squared errors in the newest
    windows that were over by the cutoff, so that a look back finds what was found that night.
    """
    over = intervals.newest_windows(backtests, at.cut.cutoff, at.config.backtest.calibration)
    base, top = (over.filter(pl.col("model") == name) for name in names)
    series = hierarchy.backtest_variances(base.filter(pl.col("grain") == "series"))
    errors = (series, hierarchy.aggregate_variances(top, base))
    named = [part.with_columns(model=pl.lit(name)) for name, part in zip(names, errors, strict=True)]
    return pl.concat(named).select("model", "unique_id", "var")
