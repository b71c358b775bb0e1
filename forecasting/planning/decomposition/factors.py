"""Effects of places (a weekday, a week of the year, a day before a holiday), for all series and by group of series.

`update_factor` takes what was sold and what was expected without the effect, and returns the logarithms of their
ratios by group and place, shrunk to 0 as far as groups are alike; `center` makes them comparable. Arrays only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.planning.decomposition.shrinkage import between_variance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HALF = 0.5
"""Units added to what was sold and expected, so that a place without a sale has a logarithm."""


@dataclass(frozen=True)
class Shape:
    """What the effects of a factor are like: `sizes` places; `anchored`: place 0 is ordinary and has no effect, else
    effects are counted from their mean; `spread` > 0: neighbours around the circle are alike (standard deviation in
    places); `common`: the effects of all series together are taken as they are, not shrunk.
    """

    size: int
    anchored: bool
    spread: float
    common: bool


def kernel(size: int, spread: float) -> Floats:
    """Weights of the neighbours of a place around a circle, shape (size, size), each row adding up to 1.

    >>> kernel(3, 0.0).tolist(), kernel(4, 1.0)[0].round(2).tolist()
    ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.43, 0.26, 0.06, 0.26])
    """
    distance = np.abs(np.arange(size)[:, None] - np.arange(size)[None, :])
    distance = np.minimum(distance, size - distance)
    weights = np.exp(-0.5 * (distance / spread) ** 2) if spread > HALF else (distance == 0).astype(float)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def estimate_ratios(sold: Floats, expected: Floats, noise: float, shape: Shape) -> tuple[Floats, Floats]:
    """log(sold / expected) by group and place, shape (groups, places), and the variances of these logarithms."""
    variance = noise / np.maximum(expected, 1e-12)
    if shape.spread > HALF:
        near = kernel(shape.size, shape.spread)
        sold, square = sold @ near.T, expected @ (near**2).T
        expected = expected @ near.T
        variance = noise * square / np.maximum(expected, 1e-12) ** 2
        small = HALF / shape.size
    else:
        small = HALF
    ratios = np.log(np.maximum(sold, 0.0) + small) - np.log(expected + small)
    if shape.anchored:
        ratios[:, 0] = 0.0
    return ratios, variance


def center(effects: Floats, weights: Floats, shape: Shape) -> Floats:
    """The effects counted from 0: of an anchored factor they are; a smooth one has the mean logarithm 0, others the
    mean factor 1 over the places, of which those without any rows count as their mean.
    """
    if shape.anchored or effects.size == 0:
        return effects
    there = weights > 0
    places = np.maximum(there.sum(axis=1), 1)
    logs, factors = (np.where(there, values, 0.0).sum(axis=1) / places for values in (effects, np.exp(effects)))
    level = logs if shape.spread > HALF else np.log(np.where(factors > 0, factors, 1.0))
    return np.where(there, effects - level[:, None], 0.0)


def shrink_ratios(
    ratios: Floats, variance: Floats, expected: Floats, shape: Shape, known: float | None = None
) -> tuple[Floats, float]:
    """The ratios shrunk to 0, and the variance between groups by which they were: the `known` one, or that of these."""
    places = (expected > 0) & (np.arange(shape.size) >= int(shape.anchored))[None, :]
    between = known if known is not None else between_variance(ratios[places], variance[places])
    return np.where(places, ratios * between / (between + np.maximum(variance, 1e-12)), 0.0), between
