"""Models: one file per family, found by its name, with `build(spec, config) -> list[Model]` and `load(folder)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.models.base import Fitted, Model

Find = Callable[[Sequence[str]], Any]
"""What earlier backtests tell of models, by their names: weights for an ensemble, variances for a reconciliation."""
LATE = {"ensemble": 1, "reconcile": 2}
"""Families that stand on other models, in their order after these."""


def build(config: Config, rows: int = 0) -> list[Model]:
    """All models of the recipe in its order, those that stand on others last; `ladder` unfolds into its rungs.

    Models whose `most` lies below the `rows` of the panel are left out: they would take too long. Raises UserError when
    two bear the same name: their rows could not be told apart.
    """
    affordable = tuple(spec for spec in config.models if spec.most is None or rows <= spec.most)
    config = config.model_copy(update={"models": affordable})
    ordered = sorted(config.models, key=lambda spec: LATE.get(spec.family, 0))
    built: dict[str, Model] = {}
    for spec in ordered:
        for model in build_one(spec, config):
            if model.name in built:
                key = f"models.{config.models.index(spec)}"
                raise config.fault(key, f"the recipe has a {model.name} already: give this one a `name` of its own")
            built[model.name] = model
    return list(built.values())


def build_one(spec: ModelSpec, config: Config) -> list[Model]:
    """The models of one entry; raises UserError naming its line when the family cannot do what it asks."""
    models: list[Model] = import_module(f"forecasting.models.{spec.family}").build(spec, config)
    return models


def fit(model: Model, cut: Cut, done: Mapping[str, Fitted], find: Find) -> Fitted:
    """Train one model; an ensemble takes its members from `done`, the models trained on this cut before, by name, and
    the weights that it is to learn from what `find` says about these names, a reconciliation its variances.
    """
    from forecasting.models.ensemble import Ensemble
    from forecasting.models.reconcile import Reconcile

    if isinstance(model, Reconcile):
        return model.with_variances(find([model.base, model.top]))
    if not isinstance(model, Ensemble):
        return model.fit(cut)
    return model.with_members(done, find([m.name for m in model.members]) if model.weights is None else None)


def predict(fitted: Fitted, cut: Cut, bucket: int, said: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The forecasts of one fitted model for a bucket (see base.Fitted); an ensemble combines what members `said`."""
    from forecasting.models.ensemble import MEMBER, FittedEnsemble

    if not isinstance(fitted, FittedEnsemble):
        return fitted.predict(cut, bucket)
    told = [said[m.name].select(*MEMBER, model=pl.lit(m.name)) for m in fitted.members]
    return fitted.combine(pl.concat(told))


def members(fitted: Fitted) -> list[str]:
    """The names of the models whose forecasts this one is made of; none for all but ensembles and reconciliations."""
    from forecasting.models.ensemble import FittedEnsemble
    from forecasting.models.reconcile import FittedReconcile

    if isinstance(fitted, FittedReconcile):
        return [fitted.base, fitted.top]
    return [m.name for m in fitted.members] if isinstance(fitted, FittedEnsemble) else []


def load(family: str, folder: Path) -> Fitted:
    """A fitted model from the folder that it saved; nothing is unpickled."""
    fitted: Fitted = import_module(f"forecasting.models.{family}").load(folder)
    return fitted
