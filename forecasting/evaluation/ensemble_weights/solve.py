"""Solving for weights: `smallest_squares` and `smallest_sizes` take errors or their moments, and return weights (k,).

`good_members` says who takes part. Weights are never negative and add up to 1 over the members that are kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecasting.evaluation.ensemble_weights.errors import Floats

Flags = NDArray[np.bool_]

WORSE, NOISE = 0.1, 0.5
"""A member whose error is larger than the best one's by more than this share, and by the noise of few cells, is left
out: errors of another kind help even where they are somewhat larger."""
ROUNDS, LEAST = 20, 0.05
"""Rounds of reweighting, and the size below which errors weigh alike, as a share of the median one."""


def good_members(sizes: Floats, cells: float) -> Flags:
    """Which members (k,) are not clearly worse than the best one, by the sizes of their errors.

    >>> good_members(np.array([1.0, 1.12, 1.2]), cells=2500.0).tolist()
    [True, False, False]
    """
    return np.asarray(sizes <= (1 + WORSE + NOISE / np.sqrt(cells)) * sizes.min() + 1e-12)


def moments(errors: Floats) -> Floats:
    """The mean of ee' (k, k)."""
    return np.asarray(errors.T @ errors / len(errors))


def of_size_one(matrix: Floats, kept: Flags) -> Floats:
    """The moments (k, k) divided by the mean square of the kept members, so that those of different rows compare."""
    return np.asarray(matrix / max(float(np.diag(matrix)[kept].mean()), 1e-300))


def in_doubt(matrix: Floats, kept: Flags, doubt: float) -> Floats:
    """The moments (k, k), of size one, with the identity, for which the simple mean is best, by the share `doubt`."""
    return np.asarray((1 - doubt) * of_size_one(matrix, kept) + doubt * np.eye(len(matrix)))


def smallest_squares(matrix: Floats, kept: Flags) -> Floats:
    """The weights (k,) that minimise w'Sw over w >= 0 with sum 1 among the kept members; the others get 0."""
    from scipy.optimize import nnls

    some = of_size_one(matrix, kept)[np.ix_(kept, kept)] + 1e-6 * np.eye(kept.sum())
    root = np.linalg.cholesky(some).T
    firm = 1e3 * np.ones((1, len(some)))  # the sum is 1: a row that outweighs all others
    found, _ = nnls(np.vstack([root, firm]), np.append(np.zeros(len(some)), firm[0, 0]))
    weights = np.zeros(len(matrix))
    weights[kept] = found / found.sum()
    return weights


def smallest_sizes(errors: Floats, kept: Flags, doubt: float) -> Floats:
    """The weights (k,) with the smallest mean absolute error among the kept members; the others get 0."""
    weights: Floats = kept / kept.sum()
    least = LEAST * float(np.median(np.abs(errors))) + 1e-12
    for _ in range(ROUNDS):
        sizes = np.maximum(np.abs(errors @ weights), least)
        weights = smallest_squares(in_doubt((errors / sizes[:, None]).T @ errors / len(errors), kept, doubt), kept)
    return weights
