"""Levers that follow demand: `judge_timing` says how far the moves of levers went with the demand that sales foretold.

It takes a Regression of units and how their demand wanders, and returns Pooled correlations, units x levers. A price
cut because demand is weak is held against weak demand as far as sales had shown it; who set the price may have known
more, and of that nothing can be told from sales. So such levers are named.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecasting.planning.response.estimator.arrays import Floats
from forecasting.planning.response.estimator.pooling import Groups, Pooled, pool
from forecasting.planning.response.estimator.regression import Regression
from forecasting.planning.response.estimator.state import Wander, foretell

LEAST_MOVE = 0.2
"""Moves of at least this share of a lever's standard deviation are changes: the mean of the series of a unit moves a
little where one of them is not seen."""
LEAST_VARIANCE = 1e-4
"""The least variance of a correlation that is believed."""


def judge_timing(regression: Regression, wander: Wander, groups: Groups) -> Pooled:
    """Correlations of the moves of each lever with the demand foretold, pooled over the groups of units.

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
    return pool(information[..., None] * np.eye(levers.shape[-1]), information * along, groups)


def _foretold(regression: Regression, wander: Wander) -> tuple[Floats, Floats, Floats]:
    """Levers, the demand foretold, and what is known of the levers before: their values and what these foretell."""
    levers, trends = regression.levers, regression.solve(wander).nuisance
    residual = regression.residual - np.einsum("tnu,nu->tn", regression.nuisance, trends)
    columns = np.concatenate([levers, residual[..., None]], axis=-1)
    told = foretell(columns, wander.weights(regression.expected), wander)
    last = np.concatenate([levers[:1], levers[:-1]])
    return levers, told[..., -1], np.concatenate([last, told[..., :-1]], axis=-1)


def _partial(columns: Floats, known: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Columns less what `known` explains of them, by unit (least squares over the periods seen)."""
    by_unit = (known * seen[..., None]).transpose(1, 2, 0)
    inside = by_unit @ known.transpose(1, 0, 2) + 1e-9 * np.eye(known.shape[-1])
    told = np.linalg.solve(inside, by_unit @ columns.transpose(1, 0, 2))
    return np.asarray((columns - (known.transpose(1, 0, 2) @ told).transpose(1, 0, 2)) * seen[..., None])
