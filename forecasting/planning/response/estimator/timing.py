"""Levers that follow demand: `judge_timing` says how far the moves of levers went with the demand that sales foretold.

It takes a Regression of units and how their demand wanders, and returns Pooled correlations, units x levers. A price
cut because demand is weak is held against weak demand as far as sales had shown it; who set the price may have known
more, and that cannot be seen in sales. So such levers are named, and their intervals are wider by what would
be wrong had they known it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.planning.response.estimator.arrays import Floats
from forecasting.planning.response.estimator.pooling import Pooled, pool
from forecasting.planning.response.estimator.regression import Regression
from forecasting.planning.response.estimator.state import Wander, foretell, unforeseen
from forecasting.planning.response.estimator.units import Groups
from forecasting.planning.response.levers import SURE

LEAST_MOVE = 0.2
"""Moves of at least this share of a lever's standard deviation are changes: the mean of the series of a unit moves a
little where one of them is not seen."""
LEAST_VARIANCE = 1e-4
"""The least variance of a correlation that is believed."""


@dataclass(frozen=True)
class Timing:
    """`pooled` correlations of the moves of levers with the demand foretold, units x levers, and the `doubt`, a
    covariance of the effects (levers x levers).
    """

    pooled: Pooled
    doubt: Floats


def judge_timing(regression: Regression, wander: Wander, groups: Groups) -> Timing:
    """The timing of the levers, pooled over the groups of units.

    `regression` has the effects of the levers off its residual. Moves and demand are held against the values before and
    what levers before foretell, so that neither a price that returns nor a wrong effect looks like timing.
    """
    levers, demand, before = _foretold(regression, wander)
    moves = np.diff(levers, axis=0, prepend=levers[:1])
    known = np.concatenate([np.ones_like(demand[..., None]), before], axis=-1)
    seen = wander.weights(regression.expected) > 0
    seen[1:] &= seen[:-1]
    seen[0] = False
    left = _partial(np.concatenate([moves, demand[..., None]], axis=-1), known, seen)
    changed = (np.abs(moves) > LEAST_MOVE * levers.std(axis=0) + 1e-9) & seen[..., None]
    move, state = left[..., :-1] * changed, left[..., -1:] * changed
    size = np.sqrt((move**2).sum(0) * (state**2).sum(0))
    along, variance = (move * state).sum(0) / (size + 1e-12), ((move * state) ** 2).sum(0) / (size**2 + 1e-12)
    information = np.where(size > 0, 1 / np.maximum(variance, LEAST_VARIANCE), 0.0)
    pooled = pool(information[..., None] * np.eye(levers.shape[-1]), information * along, groups)
    error = pooled.mean_error(groups, np.full(len(size), 1 / len(size)))
    follows = np.abs(pooled.effect.mean(0)) > SURE * error
    return Timing(pooled, _doubt(regression, wander, move * follows, state))


def _doubt(regression: Regression, wander: Wander, move: Floats, state: Floats) -> Floats:
    """The covariance of what is wrong in the effects if a share of the demand that sales do not tell was known to those
    who moved the levers: any share is as likely as another.

    Given sales, a move that follows demand so far tells of the rest of it, which fades as demand wanders: the variable
    that the regression omits.
    """
    weight = wander.weights(regression.expected)
    unknown, covariance = unforeseen(weight, wander)[..., None], np.zeros((move.shape[-1],) * 2)
    slope = (move * state).sum((0, 1)) / np.maximum((state**2).sum((0, 1)), 1e-12)
    news = (move - slope * state) * (move != 0)
    slopes_of_news = slope * (unknown * (move != 0)).sum((0, 1)) / np.maximum((news**2).sum((0, 1)), 1e-12)
    for k in np.flatnonzero(slope):
        omitted = np.clip(slopes_of_news[k], -1 / abs(slope[k]), 1 / abs(slope[k])) * news[..., k]
        for t in range(1, len(omitted)):
            omitted[t] += wander.memory * omitted[t - 1]
        solution = replace(regression, residual=omitted).solve(wander)
        wrong = np.linalg.pinv(solution.information.sum(0)) @ solution.score.sum(0)
        covariance += np.outer(wrong, wrong) / 3
    return covariance


def _foretold(regression: Regression, wander: Wander) -> tuple[Floats, Floats, Floats]:
    """Levers, the demand foretold, and what is known of the levers before: their values and what these foretell."""
    levers, trends = regression.levers, regression.solve(wander).nuisance
    residual = regression.residual - np.einsum("tnu,nu->tn", regression.nuisance, trends)
    columns = np.concatenate([levers, residual[..., None]], axis=-1)
    foretold = foretell(columns, wander.weights(regression.expected), wander)
    last = np.concatenate([levers[:1], levers[:-1]])
    return levers, foretold[..., -1], np.concatenate([last, foretold[..., :-1]], axis=-1)


def _partial(columns: Floats, known: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Columns less what `known` explains of them, by unit (least squares over the periods seen).

    >>> columns, known = np.array([1.0, 2.0, 6.0]).reshape(3, 1, 1), np.ones((3, 1, 1))
    >>> (_partial(columns, known, np.ones((3, 1), dtype=bool)).round(6) + 0.0).ravel().tolist()
    [-2.0, -1.0, 3.0]
    """
    by_unit = (known * seen[..., None]).transpose(1, 2, 0)
    inside = by_unit @ known.transpose(1, 0, 2) + 1e-9 * np.eye(known.shape[-1])
    explained = np.linalg.solve(inside, by_unit @ columns.transpose(1, 0, 2))
    return np.asarray((columns - (known.transpose(1, 0, 2) @ explained).transpose(1, 0, 2)) * seen[..., None])
