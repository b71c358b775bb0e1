"""What a promotion does beyond its own periods and series: `take_up` takes a Fit and candidates, returns those to keep.

Candidates are more levers, such as the periods after a promotion, or what the peers of a series do. Each is tried
beside the own levers in one round of the fit that has come to rest (a score test), and kept where its mean over all
series is farther below 0 than chance would have it; the others are not in the model at all. Above 0 none is kept: that
sales stay high after a promotion mostly says that something else has lasted longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np

from forecasting.planning.response.estimator.arrays import Observed
from forecasting.planning.response.estimator.fit import Fit

BY_CHANCE = 0.01
"""The chance that any candidate is kept of a promotion that does nothing beyond its own periods and series."""
LATE = 10
"""A round in which nothing is learned of how demand wanders."""
MORE_ROUNDS = 5
"""Rounds with the levers that are kept."""
Candidates = Sequence[tuple[int, ...]]
"""Numbers of levers: of each tuple at most one is kept, for they say the same in other ways."""


def take_up(fit: Fit, seen: Observed, candidates: Candidates) -> tuple[Fit, tuple[int, ...]]:
    """The fit with the candidates that are kept, and their numbers among the levers of `seen`, of which the first are
    those of the fit.
    """
    tried = sum(map(len, candidates))
    if not tried:
        return fit, ()
    kept = tuple(best for choice in candidates for best in _best(fit, seen, choice, least_distance(tried)))
    if not kept:
        return fit, ()
    more = _beside(fit, seen, kept)
    for _ in range(MORE_ROUNDS):
        more.round(LATE)
    return more, kept


def least_distance(tried: int) -> float:
    """The standard errors below 0 from which on the best of so many candidates is kept (Bonferroni's bound).

    >>> round(least_distance(1), 2), round(least_distance(10), 2)
    (2.33, 3.09)
    """
    return NormalDist().inv_cdf(1 - BY_CHANCE / tried)


def _best(fit: Fit, seen: Observed, choice: tuple[int, ...], enough: float) -> Iterator[int]:
    """The candidate of a choice that is most standard errors below 0, if they are enough."""
    far = [-standard_errors(fit, seen, k) for k in choice]
    best = int(np.argmax(far))
    if far[best] > enough:
        yield choice[best]


def standard_errors(fit: Fit, seen: Observed, k: int) -> float:
    """How many standard errors the mean effect of lever `k` of `seen` lies from 0, beside the levers of the fit."""
    tried = _beside(fit, seen, (k,))
    tried.round(LATE)
    assert tried.units is not None
    units = len(tried.units.effect)
    error = tried.units.mean_error(tried.unit_groups, np.full(units, 1 / units))[-1]
    return float(tried.units.effect[:, -1].mean() / error)


def _beside(fit: Fit, seen: Observed, kept: tuple[int, ...]) -> Fit:
    return fit.extended(seen.only([*range(fit.own), *kept]))
