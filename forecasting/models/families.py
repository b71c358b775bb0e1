"""Model families by name: one module each, with `build(spec, config) -> list[Model]` and `load(folder) -> Fitted`.

`build_entry` takes one entry of the config's models and returns its untrained models; `load` takes the name of a family
and a folder and returns the fitted model. A family whose models combine others sets the `STAGE` at which they are
trained; without one it is 0. One with a model of all series sets `GLOBAL`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from forecasting.config import Config, ModelSpec
from forecasting.models.base import Fitted, Model


def build_entry(spec: ModelSpec, config: Config) -> list[Model]:
    """The models of one entry of the recipe. Raises UserError with the entry's key when it holds what cannot be."""
    models: list[Model] = import_module(f"forecasting.models.{spec.family}").build(spec, config)
    return models


def load(family: str, folder: Path) -> Fitted:
    """A fitted model from the folder that it saved; nothing is unpickled."""
    fitted: Fitted = import_module(f"forecasting.models.{family}").load(folder)
    return fitted


def stage_of(family: str) -> int:
    """0 for models that learn from sales alone; models of a higher stage combine models of lower ones."""
    stage: int = getattr(import_module(f"forecasting.models.{family}"), "STAGE", 0)
    return stage


def is_global(family: str) -> bool:
    """Whether a model of the family is one of all series, trained at once."""
    return bool(getattr(import_module(f"forecasting.models.{family}"), "GLOBAL", False))


def models_below(stage: int, config: Config) -> dict[str, Model]:
    """The recipe's models of lower stages by name: those that a model of this stage can combine."""
    below = [spec for spec in config.models if stage_of(spec.family) < stage]
    return {model.name: model for spec in below for model in build_entry(spec, config)}
