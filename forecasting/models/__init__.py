"""The models of a recipe: `build` makes them from a Config, `fit` trains one, `predict` forecasts one bucket with it.

A recipe is the config keys that change a forecast; a cut is what was known on a cutoff, future rows included; a bucket
is a part of its series. `fit` takes a Model and a Cut and returns a Fitted; `predict` takes a Fitted, a Cut and a
bucket and returns rows [unique_id, ds, yhat, source, cold_start ...]. Nothing is saved here: `load` reads what
`Fitted.save` wrote.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import ModelSpec
from forecasting.data.cut import Cut
from forecasting.models.base import BacktestEvidence, Combination, Fitted, FittedCombination, Model
from forecasting.models.families import build_entry, is_global, load, stage_of

__all__ = ["build", "build_entry", "dependencies", "fit", "is_global", "load", "predict", "too_dear"]


def build(config: Config, rows: int = 0) -> list[Model]:
    """All models of the recipe in its order, those that combine others last; `ladder` unfolds into its rungs.

    Models whose `most` lies below the `rows` of the panel are left out: they would take too long. Raises UserError when
    two have the same name, as their rows could not be distinguished.
    """
    dear = too_dear(config, rows)
    config = config.model_copy(update={"models": tuple(spec for spec in config.models if spec not in dear)})
    built: dict[str, Model] = {}
    for spec in sorted(config.models, key=lambda spec: stage_of(spec.family)):
        for model in build_entry(spec, config):
            if model.name in built:
                key = f"models.{config.models.index(spec)}"
                raise config.fault(key, f"the recipe has a {model.name} already: give this one another `name`")
            built[model.name] = model
    return list(built.values())


def too_dear(config: Config, rows: int) -> list[ModelSpec]:
    """The entries of the recipe that are left out of a panel of so many rows, as their `most` is less."""
    return [spec for spec in config.models if spec.most is not None and rows > spec.most]


def fit(model: Model, cut: Cut, trained: Mapping[str, Fitted], evidence: BacktestEvidence) -> Fitted:
    """Train one model on what the cut knows.

    A combination takes its members from `trained`, the models trained on this cut before, by name, and learns from
    `evidence` how good they were in earlier backtests.
    """
    return model.combine_fitted(trained, evidence) if isinstance(model, Combination) else model.fit(cut)


def predict(fitted: Fitted, cut: Cut, bucket: int, forecasts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """[unique_id, ds, yhat, source, cold_start ...]: one row per future row of the bucket, in units of y.

    `forecasts` holds the rows of the models before this one, by name, from which a combination takes its members'.
    """
    if isinstance(fitted, FittedCombination):
        return fitted.combine_forecasts(forecasts, cut)
    return fitted.predict(cut, bucket)


def dependencies(fitted: Fitted) -> list[str]:
    """The names of the models whose forecasts this one combines; none for a model that learns from sales alone."""
    return list(fitted.depends_on) if isinstance(fitted, FittedCombination) else []
