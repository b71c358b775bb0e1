"""The search space, {hyperparameter: Between(low, high) or OneOf(values)}, and how a trial draws a value of each.

`suggest_params` takes an Optuna trial and a space and returns {hyperparameter: value}; `include_value` returns a range
or choices that hold a given value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Params = Mapping[str, Any]
"""Value of each hyperparameter by name."""


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, both included; an integer if both are integers. `scale` is "linear" or "log"."""

    low: float
    high: float
    scale: str = "linear"


@dataclass(frozen=True)
class OneOf:
    """A categorical choice among `values`."""

    values: tuple[Any, ...]


Space = Mapping[str, Between | OneOf]
"""Range or choices of each hyperparameter by name."""


def include_value(values: Between | OneOf, current: Any) -> Between | OneOf:
    """The range or choices, extended where necessary so that `current` is among them."""
    if isinstance(values, OneOf):
        return values if current in values.values else OneOf((*values.values, current))
    return Between(min(values.low, current), max(values.high, current), values.scale)


def suggest_params(trial: Any, space: Space) -> dict[str, Any]:
    """Draw a value of each hyperparameter of `space` for an Optuna trial."""
    return {name: _suggest_value(trial, name, values) for name, values in space.items()}


def _suggest_value(trial: Any, name: str, values: Between | OneOf) -> Any:
    if isinstance(values, OneOf):
        return trial.suggest_categorical(name, values.values)
    log = values.scale == "log"
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=log)
    return trial.suggest_float(name, values.low, values.high, log=log)
