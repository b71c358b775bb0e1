"""Relative size of errors: a few small trees that learn from past errors which forecasts are off by more than others.

`train_error_size` takes a frame of inputs and the absolute errors of its rows and returns the boosters as text;
`predict_error_size` takes this text and inputs and returns an array: each row's expected error over the mean error.

One function of the size of a series does not fit all data: in some, promotions are missed most, in others the series
that hardly ever sell. Trees of four leaves find the shape in the errors of earlier windows.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.models.lightgbm.boosters import FIXED

if TYPE_CHECKING:
    import lightgbm

TREES = 40
PARAMS: dict[str, Any] = FIXED | {
    "objective": "gamma",  # errors are positive, and spread as their mean does
    "learning_rate": 0.08,
    "num_leaves": 4,
    "min_data_in_leaf": 200,
    "lambda_l2": 5.0,
}
CLIP_QUANTILE = 0.99
"""The mean is that of errors clipped at this quantile: one outlier must not make all others look like nothing."""
LEAST, FURTHEST = 0.001, 20.0
"""Errors, in units of their mean, are clipped to lie between these, as gamma is not defined at 0."""
RANGE = (0.2, 5.0)
"""Predictions are clipped to these multiples of the mean."""


def train_error_size(inputs: pl.DataFrame, errors: pl.Series, rising: Collection[str]) -> str:
    """The text of boosters that predict `errors` (>= 0) in units of their mean from the columns of `inputs`.

    Predictions never fall in the columns `rising`. Inputs are finite, shape (rows, columns), and some error is above 0.
    """
    import lightgbm

    mean = errors.clip(upper_bound=errors.quantile(CLIP_QUANTILE)).mean() or errors.mean()
    params = PARAMS | {"monotone_constraints": [int(c in rising) for c in inputs.columns]}
    rows = lightgbm.Dataset(_to_numpy(inputs), (errors / mean).clip(LEAST, FURTHEST).to_numpy(), params=params)
    return str(lightgbm.train(params, rows, TREES).model_to_string())


def predict_error_size(text: str, inputs: pl.DataFrame) -> NDArray[np.float64]:
    """The expected error of each row of `inputs` (finite), in units of the mean error, shape (rows,)."""
    if inputs.is_empty():
        return np.empty(0)
    # each row is predicted by itself, so the number of threads changes nothing
    predicted = _booster(text).predict(_to_numpy(inputs), num_threads=0)
    return np.asarray(predicted, dtype=np.float64).clip(*RANGE)


@lru_cache(maxsize=64)
def _booster(text: str) -> lightgbm.Booster:
    """The boosters of a text, which every bucket asks for."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def _to_numpy(inputs: pl.DataFrame) -> NDArray[np.float32]:
    return inputs.cast(pl.Float32).to_numpy()
