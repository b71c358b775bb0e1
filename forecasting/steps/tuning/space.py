"""What is searched: the options of LightGBM that pay, and how far from the usual they may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forecasting.config import ModelSpec
from forecasting.models.lightgbm import boosters as usual
from forecasting.models.lightgbm.options import Options
from forecasting.services.hyperparameter_search import Between, OneOf, Params, Space, include_value

SPACE: Space = {
    "params.learning_rate": Between(0.02, 0.15, "log"),
    "params.num_leaves": Between(15, 127, "log"),
    "params.min_data_in_leaf": Between(10, 200, "log"),
    "params.feature_fraction": Between(0.2, 0.8),
    "params.lambda_l2": Between(0.1, 30.0, "log"),
    "params.objective": OneOf(("tweedie", "regression")),
    "params.tweedie_variance_power": Between(1.05, 1.7),
    "trees": Between(80, 400, "log"),
    "years": OneOf((1.0, 2.0, 3.0)),
}


OF_THE_MEAN = ("params.objective", "params.tweedie_variance_power")
"""Options that mean nothing to a model of the median; a forest has squares for its objective."""
OF_STEPS = ("params.learning_rate",)
"""Options that mean nothing to a forest, whose trees are averaged."""


def today(options: Options) -> dict[str, Any]:
    """The value of each option that is searched as the recipe has it, in words or by default."""
    forest = options.kind == "forest"
    left = [
        *(OF_THE_MEAN if options.predicts == "median" or forest else ()),
        *(OF_STEPS if forest else ()),
        *(("trees",) if options.stop else ()),  # they find their number by themselves
    ]
    params = {**usual.PARAMS, **(usual.FOREST if forest else {}), **options.params}
    known = {"trees": options.trees or usual.TREES, "years": float(options.years)}
    known |= {f"params.{k}": v for k, v in params.items()}
    return {name: type(_example(values))(known[name]) for name, values in SPACE.items() if name not in left}


def around(now: Params) -> Space:
    """The space, wide enough for what is set now."""
    return {name: include_value(SPACE[name], value) for name, value in now.items()}


def applied(spec: ModelSpec, found: Params) -> ModelSpec:
    """The entry of the recipe with these options over its own."""
    return spec.model_copy(update={"options": merged(spec.options, found)})


def merged(options: Mapping[str, Any], found: Params) -> dict[str, Any]:
    """Options with those of the space over them."""
    params = {name.removeprefix("params."): v for name, v in found.items() if name.startswith("params.")}
    others = {name: v for name, v in found.items() if not name.startswith("params.")}
    return {**options, **others, "params": {**options.get("params", {}), **params}}


def _example(values: Between | OneOf) -> Any:
    return values.values[0] if isinstance(values, OneOf) else values.low
