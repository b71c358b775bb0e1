"""Reconcile: a model that names a model of series and one of aggregates, whose forecasts are made to add up later.

`build` returns an untrained Reconcile from an entry in the config. Nothing is reconciled here: a FittedReconcile holds
the names of both models and the variances of their errors in earlier backtests, and its `predict` returns no rows. Its
rows are made when all series and aggregates have been forecast, by MinTrace (steps/forecasting/reconciliation).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.models import families
from forecasting.models.base import NO_FAILURES, BacktestEvidence, Fitted, Model

STAGE = 2
VARIANCES = {"model": pl.String, "unique_id": pl.String, "var": pl.Float64}
NO_ROWS = pl.DataFrame(
    schema={"unique_id": pl.String, "ds": pl.Date, "yhat": pl.Float64, "source": pl.String, "cold_start": pl.Boolean}
)


@dataclass(frozen=True)
class Reconcile:
    """An untrained reconciliation: the names of the model of the series and of the model of their aggregates."""

    name: str
    base: str
    top: str
    on: str = "series"
    family: str = "reconcile"

    def fit(self, cut: Cut) -> FittedReconcile:
        """Without earlier backtests: an aggregate's error is taken to be as large as those of its series together."""
        return self.with_variances(pl.DataFrame(schema=VARIANCES))

    def combine_fitted(self, trained: Mapping[str, Fitted], evidence: BacktestEvidence) -> FittedReconcile:
        """With the error variances that `evidence` has of both models; both are kept by name only."""
        return self.with_variances(evidence.variances([self.base, self.top]))

    def with_variances(self, variances: pl.DataFrame) -> FittedReconcile:
        """With `variances` [model, unique_id, var], the mean squared errors of both models in units of y squared."""
        return FittedReconcile(self.name, self.base, self.top, variances)


@dataclass(frozen=True)
class FittedReconcile:
    """The names of both models and the `variances` of their errors by series and aggregate."""

    name: str
    base: str
    top: str
    variances: pl.DataFrame
    family: str = "reconcile"

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The names of both models."""
        return (self.base, self.top)

    @property
    def failures(self) -> pl.DataFrame:
        """No rows: both models report theirs."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """No rows: a bucket does not hold what the series of other buckets add to its aggregates."""
        return NO_ROWS

    def combine_forecasts(self, forecasts: Mapping[str, pl.DataFrame], cut: Cut) -> pl.DataFrame:
        """No rows, see `predict`."""
        return NO_ROWS

    def save(self, folder: Path) -> None:
        """Write reconcile.json and variances.parquet; the two models are saved by themselves."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"name": self.name, "base": self.base, "top": self.top}, indent=1)
        (folder / "reconcile.json").write_text(text, encoding="utf-8")
        self.variances.write_parquet(folder / "variances.parquet")


def load(folder: Path) -> FittedReconcile:
    """The reconciliation that `save` wrote into the folder."""
    stored = json.loads((folder / "reconcile.json").read_text(encoding="utf-8"))
    return FittedReconcile(**stored, variances=pl.read_parquet(folder / "variances.parquet"))


def build(spec: ModelSpec, config: Config) -> list[Model]:
    """One model.

    Options: `base`, the name of a model of single series, and `top`, that of one with `on: aggregates`, which
    forecasts all levels_of_aggregation. Raises UserError for other options or names.
    """
    key = f"models.{config.models.index(spec)}"
    unknown = sorted(set(spec.options) - {"base", "top"})
    if unknown:
        raise config.fault(key, f"{unknown[0]} is not an option of reconcile: it takes base and top")
    if spec.on != "series":
        raise config.fault(f"{key}.on", "a reconciliation combines series and aggregates: leave `on` out")
    others = families.models_below(STAGE, config)
    for option, on in (("base", "series"), ("top", "aggregates")):
        _check(others, spec.options.get(option), on, config, f"{key}.{option}")
    return [Reconcile(spec.name, spec.options["base"], spec.options["top"])]


def _check(others: dict[str, Model], name: Any, on: str, config: Config, key: str) -> None:
    """Raise UserError unless a model of that name is fitted on what it must be."""
    suitable = [n for n, m in others.items() if m.on == on]
    if name in suitable:
        return
    choice = f"there is {', '.join(suitable)}" if suitable else f"add one with `on: {on}`"
    fault = f"{name} is fitted on {others[name].on}" if name in list(others) else f"{name} is no model of the recipe"
    raise config.fault(key, f"{fault}, and this must name a model that is fitted on {on}: {choice}")
