"""What each series has of its own: level, trend, and the effects of its price and promotion, in one regression each.

`solve_lines` takes one step of Newton's method for all series at once: it takes the rows' columns, what was sold and
what is expected now, and returns the change of each coefficient, and the estimates without a prior with the variances
of their errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
COLUMNS = ("level", "trend", "price", "promo")
"""The coefficients of a series: log level, change of it a year, elasticity, log uplift of a promotion."""
FURTHEST = 1.0
"""The most that a coefficient changes in one step."""
TINY = 1e-9


@dataclass(frozen=True)
class Prior:
    """What to expect of the coefficients of each series, shape (series, len(COLUMNS)), and how sure that is: 1 over
    the variance, 0 where anything may be.
    """

    mean: Floats
    precision: Floats


@dataclass(frozen=True)
class Step:
    """`change` of the coefficients, their `alone` estimates without a prior, and the `variance` of these."""

    change: Floats
    alone: Floats
    variance: Floats


def solve_lines(x: Floats, series: Ints, score: Floats, information: Floats, now: Floats, prior: Prior) -> Step:
    """One step from the coefficients `now`; `score` and `information` are the first and the (negative) second
    derivative of the likelihood of each row by its logarithm, `x` the columns, shape (rows, len(COLUMNS)).

    >>> free = Prior(np.zeros((1, 1)), np.zeros((1, 1)))
    >>> sold, expected = np.array([3.0, 3.0]), np.array([2.0, 2.0])
    >>> x, series, now = np.ones((2, 1)), np.zeros(2, int), np.zeros((1, 1))
    >>> solve_lines(x, series, sold - expected, expected, now, free).change.round(3)
    array([[0.5]])
    """
    count, width = now.shape
    gradient = np.stack([np.bincount(series, score * x[:, k], count) for k in range(width)], axis=1)
    matrix = np.empty((count, width, width))
    for a in range(width):
        for b in range(a, width):
            matrix[:, a, b] = matrix[:, b, a] = np.bincount(series, information * x[:, a] * x[:, b], count)
    identity = np.eye(width)[None]
    penalised = matrix + (prior.precision + TINY)[:, :, None] * identity
    change = np.linalg.solve(penalised, (gradient - prior.precision * (now - prior.mean))[:, :, None])[:, :, 0]
    inverse = np.linalg.inv(matrix + TINY * identity)
    alone = now + np.einsum("sab,sb->sa", inverse, gradient)
    return Step(np.clip(change, -FURTHEST, FURTHEST), alone, np.einsum("saa->sa", inverse))
