"""Empirical Bayes: estimates of many groups are shrunk to what they have in common, as far as they are alike.

`between_variance` takes estimates and their error variances and returns the variance of what they estimate;
`shrink_to_groups` takes estimates by series and the series' groups and returns what to expect of each series, the
effects of the groups and how far single series differ. Groups whose estimates differ no more than their errors do are
taken for equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ROUNDS = 6


def between_variance(estimates: Floats, errors: Floats) -> float:
    """The variance of true values around 0 behind `estimates` whose error variances are `errors`; 0 where chance
    explains all of it.

    The moment estimator of Paule and Mandel (1982): the weighted squares are as many as the estimates.

    >>> round(between_variance(np.array([2.0, -2.0, 2.0, -2.0]), np.ones(4)), 3)
    3.0
    >>> between_variance(np.array([0.5, -0.5]), np.ones(2))
    0.0
    """
    known = np.isfinite(errors) & (errors > 0)
    squares, errors = estimates[known] ** 2, errors[known]
    if len(squares) < 2 or (squares / errors).sum() <= len(squares):
        return 0.0
    low, high = 0.0, float(squares.max())
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (squares / (errors + middle)).sum() > len(squares) else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class Expected:
    """What to expect of a series: `mean`, plus the effect of its group by grouping, give or take `variance`."""

    mean: float
    effects: Mapping[str, Mapping[str, float]]
    variance: float

    def of(self, groups: Mapping[str, list[str]], count: int) -> Floats:
        """The expectation of each of `count` series, whose groups are given by grouping; unknown groups add nothing."""
        total = np.full(count, self.mean)
        for name, labels in groups.items():
            effects = self.effects.get(name, {})
            total += [effects.get(label, 0.0) for label in labels]
        return total


def shrink_to_groups(estimates: Floats, errors: Floats, groups: Mapping[str, list[str]]) -> Expected:
    """What to expect of series with these estimates and error variances, by their groups."""
    count = len(estimates)
    codes = {name: np.unique(labels, return_inverse=True) for name, labels in groups.items()}
    effects = {name: np.zeros(len(labels)) for name, (labels, _) in codes.items()}
    mean, variance = 0.0, 0.0
    for _ in range(ROUNDS):
        weight = 1 / (errors + variance + 1e-12)
        grouped = sum((effects[name][code] for name, (_, code) in codes.items()), np.zeros(count))
        mean = float((weight * (estimates - grouped)).sum() / weight.sum()) if count else 0.0
        for name, (labels, code) in codes.items():
            others = grouped - effects[name][code]
            total = np.bincount(code, weight, len(labels))
            found = np.bincount(code, weight * (estimates - mean - others), len(labels)) / total
            between = between_variance(found, 1 / total)
            effects[name] = found * between / (between + 1 / total)
            grouped = others + effects[name][code]
        variance = between_variance(estimates - mean - grouped, errors)
    named = {
        name: dict(zip((str(x) for x in labels), effects[name].tolist(), strict=True))
        for name, (labels, _) in codes.items()
    }
    return Expected(mean, named, variance)
