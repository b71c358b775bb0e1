"""Models: one file per family, found by its name; each has `build(spec, config) -> list[Model]` and `load(folder) -> Fitted`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from forecasting.config import Config
from forecasting.models.base import Fitted, Model


def build(config: Config) -> list[Model]:
    """All models of the recipe, in its order; `ladder` unfolds into its rungs."""
    return [m for spec in config.models for m in import_module(f"forecasting.models.{spec.family}").build(spec, config)]


def load(family: str, folder: Path) -> Fitted:
    """A fitted model from the folder that it saved; nothing is unpickled."""
    fitted: Fitted = import_module(f"forecasting.models.{family}").load(folder)
    return fitted
