"""How large errors are: a few small trees that learn from past errors which forecasts miss by more and which by less.

One function of the size of a series cannot know it for all data: in some promotions miss most, in others the series
that hardly ever sell. Trees of four leaves find the shape in the errors of the windows before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.models.lightgbm_boosters import FIXED

TREES = 40
PARAMS: dict[str, Any] = FIXED | {
    "objective": "gamma",  # errors are positive, and spread as their mean does
    "learning_rate": 0.08,
    "num_leaves": 4,
    "min_data_in_leaf": 200,
    "lambda_l2": 5.0,
}
MOST = 100_000
"""So many errors are enough for 160 leaves."""
LEAST, FURTHEST = 0.001, 20.0
"""Errors, in units of their mean, are taken to lie between: gamma knows no 0, and one oddity must not rule a tree."""
RANGE = (0.2, 5.0)
"""No error is said to be smaller or larger than these multiples of the mean."""


def learned(inputs: pl.DataFrame, errors: pl.Series) -> str:
    """The text of boosters that tell the mean of `errors` (>= 0) from the columns of `inputs`, in units of their mean.

    `errors` hold one above 0 at least.
    """
    import lightgbm

    every = -(-inputs.height // MOST)
    target = (errors / errors.mean()).clip(LEAST, FURTHEST).gather_every(every)
    rows = lightgbm.Dataset(_numbers(inputs.gather_every(every)), target.to_numpy(), params=PARAMS)
    return str(lightgbm.train(PARAMS, rows, TREES).model_to_string())


def told(text: str, inputs: pl.DataFrame) -> NDArray[np.float64]:
    """What boosters say of the rows of `inputs`: how many times the mean error each is likely to miss by."""
    import lightgbm

    if inputs.is_empty():
        return np.empty(0)
    said = lightgbm.Booster(model_str=text).predict(_numbers(inputs), num_threads=0)  # rows do not add up: any number
    return np.asarray(said, dtype=np.float64).clip(*RANGE)


def _numbers(inputs: pl.DataFrame) -> NDArray[np.float32]:
    """The inputs as LightGBM takes them; what is unknown or infinite is missing."""
    numbers = inputs.cast(pl.Float32)
    return numbers.select(pl.when(pl.all().is_finite()).then(pl.all())).to_numpy()
