"""The search space: SPACE holds the options of LightGBM that are tuned, and their ranges.

`current_values` takes the Options of a model and returns {option: value} as of now, `space_around` returns a Space with
these values in it, and `update_entry` a model entry of the config with other values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forecasting.config import ModelSpec
from forecasting.models.lightgbm import boosters as defaults
from forecasting.models.lightgbm.options import Options, choose_steps
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

MEAN_ONLY = ("params.objective", "params.tweedie_variance_power")
"""Options without effect on a model of the median; the objective of a forest is always squared error."""
BOOSTING_ONLY = ("params.learning_rate",)
"""Options without effect on a forest, whose trees are averaged."""


def current_values(options: Options, available: int) -> dict[str, Any]:
    """The current value of each option to tune, from the recipe or by default for so many available rows; options
    without effect are left out.
    """
    forest = options.kind == "forest"
    without_effect = [
        *(MEAN_ONLY if options.predicts == "median" or forest else ()),
        *(BOOSTING_ONLY if forest else ()),
        *(("trees",) if options.stop else ()),  # early stopping finds the number of trees
    ]
    trees, rate = choose_steps(options, available)
    usual = {**defaults.PARAMS, "learning_rate": rate, **(defaults.FOREST if forest else {})}
    params = {**usual, **options.params}
    current = {"trees": trees, "years": float(options.years)}
    current |= {f"params.{k}": v for k, v in params.items()}
    return {name: type(_example(values))(current[name]) for name, values in SPACE.items() if name not in without_effect}


def find_changes(spec: ModelSpec, best: Params, current: Params) -> dict[str, Any]:
    """What has to be written into the entry for the options of the best trial: those that differ, and with them trees
    and learning rate where it gives none, as the default of each depends on the other and on the rows.
    """
    given = {*spec.options, *(f"params.{name}" for name in spec.options.get("params", {}))}
    fixed = {"trees", "params.learning_rate"} - given
    return {n: v for n, v in best.items() if v != current[n] or n in fixed} if best != current else {}


def space_around(current: Params) -> Space:
    """The search space of the options in `current`, extended where necessary to include their current values."""
    return {name: include_value(SPACE[name], value) for name, value in current.items()}


def update_entry(spec: ModelSpec, params: Params) -> ModelSpec:
    """A copy of the recipe entry with `params` in place of its options of the same names."""
    return spec.model_copy(update={"options": merge_options(spec.options, params)})


def merge_options(options: Mapping[str, Any], params: Params) -> dict[str, Any]:
    """The options updated with `params`, where "params.NAME" is LightGBM's parameter NAME."""
    lightgbm = {name.removeprefix("params."): v for name, v in params.items() if name.startswith("params.")}
    others = {name: v for name, v in params.items() if not name.startswith("params.")}
    return {**options, **others, "params": {**options.get("params", {}), **lightgbm}}


def _example(values: Between | OneOf) -> Any:
    return values.values[0] if isinstance(values, OneOf) else values.low
