"""What boosters are fitted to: `fit_target` takes Options, parameters and training rows [y, ZERO, level] and returns a
Head: the target on the scale of the rows, the weight of each row, and the parameters with their objective.

TO_LEVELS turns what boosters predict into multiples of the level of a series (not yet units of y).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from forecasting.features import ZERO
from forecasting.features.sales import CHANGE
from forecasting.models.lightgbm.options import ABSOLUTE, LOGARITHMIC, Options

MOST_NEGATIVE = 0.05
"""The largest share of the volume below 0 for losses with a logarithm."""
SHARP = 10.0
"""The median head learns log(1 + SHARP y / level): nearly the logarithm, 0 for nothing sold, and odd below 0."""
MEDIAN = {"objective": "huber", "alpha": 0.3}
CHANGES = {"objective": "huber", "alpha": 1.0}
CHANGE_DEGREE = 0.5
"""The power of the usual change by which rows of the target CHANGE weigh: between each series alike (0) and each unit
of y alike (1)."""
TO_LEVELS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "mean": lambda value: value,
    "median": lambda value: value.sign() * (value.abs().exp() - 1) / SHARP,
}
"""From the scale that boosters predict on to units of the level."""


@dataclass(frozen=True)
class Head:
    """What boosters are fitted to: target and weight of every row, and the parameters with their objective."""

    target: pl.Series
    weight: pl.Series
    params: dict[str, Any]


def fit_target(options: Options, params: dict[str, Any], rows: pl.DataFrame) -> Head:
    """The target on the scale of the rows; the weight that makes errors count in the units of y (see models/lightgbm).

    A loss with a logarithm is not defined below 0. There -t weighs as much as 1 + t zeros, with which it finds the same
    mean in leaves of mean 1. Where returns are much of the volume, means can be below 0, and only squares find these.

    The median is that of the logarithm, which it commutes with and in which peaks do not rule the splits. It is learned
    with Huber's loss, absolute but for small errors, which takes half the time of absolute errors. So are changes, of
    which few are many times the usual one.
    """
    target, level = (rows["y"] - rows[ZERO]) / rows["level"], rows["level"].abs()
    if options.target == CHANGE:
        weight, params = level**CHANGE_DEGREE, {**params, **CHANGES, **options.params}
        return Head(target, weight / weight.mean(), params)
    if options.predicts == "median":
        target, weight, params = target.sign() * (target.abs() * SHARP).log1p(), level, params | MEDIAN
        return Head(target, weight / weight.mean(), params)
    below = target.clip(None, 0).abs()
    returned, moved = (float((size * level).sum()) for size in (below, target.abs()))
    if returned > MOST_NEGATIVE * moved and params["objective"] in LOGARITHMIC:
        params = params | {"objective": "regression"}
    weight = level ** _degree(options, params)
    if params["objective"] in LOGARITHMIC:  # where nothing is below 0, this changes nothing
        target, weight = target.clip(0), weight * (1 + below)
    return Head(target, weight / weight.mean(), params)


def _degree(options: Options, params: dict[str, Any]) -> float:
    """The power of the unit of y by which a deviance grows: squares 2, absolute errors 1, Tweedie's of power p 2 - p.

    The leaves of a forest are means, for which no deviance is minimised: they weigh rows by the inverse of the variance
    that Tweedie's has, so that the largest series do not rule alone.
    """
    if params["objective"] == "tweedie" or options.kind == "forest":
        return float(2 - params["tweedie_variance_power"])
    return {"poisson": 1.0, "gamma": 0.0, **dict.fromkeys(ABSOLUTE, 1.0)}.get(params["objective"], 2.0)
