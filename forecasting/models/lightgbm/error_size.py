"""How large errors are: a few small trees that learn from past errors which forecasts miss by more and which by less.

One function of the size of a series cannot know it for all data: in some promotions miss most, in others the series
that hardly ever sell. Trees of four leaves find the shape in the errors of the windows before.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.models.lightgbm.boosters import FIXED

TREES = 40
PARAMS: dict[str, Any] = FIXED | {
    "objective": "gamma",  # errors are positive, and spread as their mean does
    "learning_rate": 0.08,
    "num_leaves": 4,
    "min_data_in_leaf": 200,
    "lambda_l2": 5.0,
}
USUAL = 0.99
"""The mean is that of errors up to this quantile of them: one oddity must not make all others look like nothing."""
LEAST, FURTHEST = 0.001, 20.0
"""Errors, in units of their mean, are taken to lie between, as gamma knows no 0."""
RANGE = (0.2, 5.0)
"""No error is said to be smaller or larger than these multiples of the mean."""


def train_error_size(inputs: pl.DataFrame, errors: pl.Series, rising: Collection[str]) -> str:
    """The text of boosters that tell the mean of `errors` (>= 0) from the columns of `inputs`, in units of their mean.

    What they tell never falls in the columns `rising`. Inputs are finite, and some error is above 0.
    """
    import lightgbm

    usual = errors.clip(upper_bound=errors.quantile(USUAL)).mean() or errors.mean()
    params = PARAMS | {"monotone_constraints": [int(c in rising) for c in inputs.columns]}
    rows = lightgbm.Dataset(_numbers(inputs), (errors / usual).clip(LEAST, FURTHEST).to_numpy(), params=params)
    return str(lightgbm.train(params, rows, TREES).model_to_string())


def predict_error_size(text: str, inputs: pl.DataFrame) -> NDArray[np.float64]:
    """How many times the mean error the rows of `inputs`, all finite, are likely to miss by, as the boosters say."""
    import lightgbm

    if inputs.is_empty():
        return np.empty(0)
    said = lightgbm.Booster(model_str=text).predict(_numbers(inputs), num_threads=0)  # rows do not add up: any number
    return np.asarray(said, dtype=np.float64).clip(*RANGE)


def _numbers(inputs: pl.DataFrame) -> NDArray[np.float32]:
    return inputs.cast(pl.Float32).to_numpy()
