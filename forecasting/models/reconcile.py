"""Reconcile: forecasts of one model for the series and of another for their aggregates, brought to add up (MinTrace).

Here stands what is kept: whose forecasts they are, and how large each one's errors were in earlier backtests. Its rows
are made where all series and aggregates meet (see steps/forecasting/reconciliation), by evaluation/hierarchy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from forecasting import models
from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.models.base import NO_FAILURES, Model

VARIANCES = {"model": pl.String, "unique_id": pl.String, "var": pl.Float64}
NO_ROWS = pl.DataFrame(
    schema={"unique_id": pl.String, "ds": pl.Date, "yhat": pl.Float64, "source": pl.String, "cold_start": pl.Boolean}
)


@dataclass(frozen=True)
class Reconcile:
    """A recipe: the names of the model of the series and of the model of their aggregates."""

    name: str
    base: str
    top: str
    on: str = "series"
    family: str = "reconcile"

    def fit(self, cut: Cut) -> FittedReconcile:
        """Without earlier backtests: an aggregate's error is taken to be as large as those of its series together."""
        return self.with_variances(pl.DataFrame(schema=VARIANCES))

    def with_variances(self, variances: pl.DataFrame) -> FittedReconcile:
        """With `variances` [model, unique_id, var], the mean squared errors of both models."""
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
    def failures(self) -> pl.DataFrame:
        """None of its own: both models tell of theirs."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """No rows: a bucket alone does not know what the other series add to its aggregates."""
        return NO_ROWS

    def save(self, folder: Path) -> None:
        """Write reconcile.json and variances.parquet; both models are kept beside, by their names."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"name": self.name, "base": self.base, "top": self.top}, indent=1)
        (folder / "reconcile.json").write_text(text, encoding="utf-8")
        self.variances.write_parquet(folder / "variances.parquet")


def load(folder: Path) -> FittedReconcile:
    """What `save` wrote into the folder."""
    kept = json.loads((folder / "reconcile.json").read_text(encoding="utf-8"))
    return FittedReconcile(**kept, variances=pl.read_parquet(folder / "variances.parquet"))


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
        raise config.fault(f"{key}.on", "a reconciliation stands on series and aggregates both: leave `on` out")
    others = {m.name: m for s in config.models if s.family != "reconcile" for m in models.build_one(s, config)}
    for option, on in (("base", "series"), ("top", "aggregates")):
        _check(others, spec.options.get(option), on, config, f"{key}.{option}")
    return [Reconcile(spec.name, spec.options["base"], spec.options["top"])]


def _check(others: dict[str, Model], name: Any, on: str, config: Config, key: str) -> None:
    """Raise UserError unless a model of that name is fitted on what it must be."""
    fit = [n for n, m in others.items() if m.on == on]
    if name in fit:
        return
    known = f"there is {', '.join(fit)}" if fit else f"add one with `on: {on}`"
    told = f"{name} is fitted on {others[name].on}" if name in list(others) else f"{name} is no model of the recipe"
    raise config.fault(key, f"{told}, and this must name a model that is fitted on {on}: {known}")
