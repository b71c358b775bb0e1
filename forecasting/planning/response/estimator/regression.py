"""Generalised least squares for many series at once: `Regression` gives information and score of the levers of each.

A Regression holds arrays of periods x series: levers, nuisance columns (trend, waves) and what is left of sales, in
shares of their mean. `learn_wander` finds how the demand of each series wanders by the likelihood of what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.planning.response.estimator.arrays import Floats, Ints
from forecasting.planning.response.estimator.state import Wander, cross_products, whiten

MEMORIES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.995)
"""Shares of a deviation that may be left after a span (a week of days, else a period)."""
SIZES = (0.001, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45)
"""Standard deviations of the log of demand around what is explained."""
NOISES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Variances of sales beyond Poisson, in units of the squared mean."""
SHARE_ROUNDS = 30
MOST_SERIES = 200
"""Series on which the memory is learned."""
LEAST_SCALE, PRIOR_PERIODS = 0.5, 20.0
"""The least variance of innovations that is believed (1 where the model holds), and periods of 1 to begin with."""


@dataclass(frozen=True)
class Regression:
    """What is regressed: `levers`, `nuisance` and `residual` by period and series, and the variances of the nuisance's
    coefficients; `expected` is how many sales are expected, from which the weights follow.
    """

    levers: Floats
    nuisance: Floats
    variances: Floats
    residual: Floats
    expected: Floats

    def of_series(self, series: Ints) -> Regression:
        """The regression of some of the series."""
        arrays = (self.levers, self.nuisance, self.residual, self.expected)
        levers, nuisance, residual, expected = (array[:, series] for array in arrays)
        return Regression(levers, nuisance, self.variances, residual, expected)

    def solve(self, wander: Wander, coefficients: Floats) -> Solution:
        """The Solution at `coefficients` of the nuisance, which the residual is already less."""
        k, n = self.levers.shape[-1], self.nuisance.shape[-1]
        weight = wander.weights(self.expected)
        columns = np.concatenate([self.levers, self.nuisance, self.residual[..., None]], axis=-1)
        products = cross_products(columns, weight, wander)
        series = len(products)
        add = np.concatenate([np.zeros((series, k)), coefficients, np.ones((series, 1))], axis=1)
        full = np.einsum("nij,nj->ni", products, add)
        with_nuisance = products[:, :k, k : k + n]
        inverse = np.linalg.inv(products[:, k : k + n, k : k + n] + np.diag(1 / self.variances))
        known = np.einsum("nij,nj->ni", inverse, full[:, k : k + n])
        information = products[:, :k, :k] - with_nuisance @ inverse @ with_nuisance.transpose(0, 2, 1)
        score = full[:, :k] - np.einsum("nij,nj->ni", with_nuisance, known)
        left = np.einsum("ni,ni->n", add, full) - np.einsum("ni,ni->n", known, full[:, k : k + n])
        seen = (weight > 0).sum(0)
        scale = np.maximum((left + PRIOR_PERIODS) / (seen + PRIOR_PERIODS), LEAST_SCALE)
        return Solution(information, score, scale, known, inverse @ with_nuisance.transpose(0, 2, 1))

    def log_likelihood(self, wander: Wander) -> Floats:
        """The log likelihood of the residual by series, the nuisance integrated out."""
        n = self.nuisance.shape[-1]
        columns = np.concatenate([self.nuisance, self.residual[..., None]], axis=-1)
        new, log_det = whiten(columns, wander.weights(self.expected), wander)
        products = np.einsum("tni,tnj->nij", new, new, optimize=True)
        known = np.linalg.solve(products[:, :n, :n] + np.diag(1 / self.variances), products[:, :n, -1:])[..., 0]
        return np.asarray(-0.5 * (log_det + products[:, -1, -1] - np.einsum("ni,ni->n", known, products[:, :n, -1])))


@dataclass(frozen=True)
class Solution:
    """Information (series x levers x levers) and score of the levers, and the `scale` of the innovations' variance.

    `nuisance` are the coefficients of the nuisance at no change of the levers, `slope` what a change takes off them.
    """

    information: Floats
    score: Floats
    scale: Floats
    nuisance: Floats
    slope: Floats

    def scaled(self, trust: Floats) -> tuple[Floats, Floats]:
        """Information and score in units of the innovations; `trust` (series x levers) is the share of each lever's
        variation that controls leave.
        """
        root = np.sqrt(trust)
        information = self.information * root[:, :, None] * root[:, None, :] / self.scale[:, None, None]
        return information, self.score / self.scale[:, None]

    def nuisance_after(self, change: Floats) -> Floats:
        """The coefficients of the nuisance once the levers' effects have changed so."""
        return np.asarray(self.nuisance - np.einsum("nij,nj->ni", self.slope, change))


def learn_wander(regression: Regression, per_span: int, noise: Floats) -> Wander:
    """How demand wanders: a memory for all series; the size, then the noise of each are means over grids, weighted by
    their likelihood and by how often each occurs among the series.

    >>> steady = np.zeros((30, 1))
    >>> nuisance = np.ones((30, 1, 1))
    >>> regression = Regression(np.zeros((30, 1, 1)), nuisance, np.array([1.0]), steady, np.full((30, 1), 100.0))
    >>> wander = learn_wander(regression, 1, np.array([0.05]))
    >>> bool(wander.size[0] < 0.1 and wander.noise[0] < 0.05)
    True
    """
    chosen = np.arange(0, len(noise), -(-len(noise) // MOST_SERIES))
    some = regression.of_series(chosen)
    totals = {memory: _sizes(some, memory ** (1 / per_span), noise[chosen])[1] for memory in MEMORIES}
    kept = max(totals, key=lambda memory: totals[memory]) ** (1 / per_span)
    wander = Wander(kept, _sizes(regression, kept, noise)[0], noise)
    tried = [Wander(wander.memory, wander.size, np.full(len(noise), value)) for value in NOISES]
    shares, _ = _shares(np.stack([regression.log_likelihood(w) for w in tried]))
    return Wander(wander.memory, wander.size, np.array(NOISES) @ shares)


def _sizes(regression: Regression, kept: float, noise: Floats) -> tuple[Floats, float]:
    """The size of the wander of each series with this memory, and the log likelihood of all."""
    wanders = [Wander(kept, np.full(len(noise), size), noise) for size in SIZES]
    shares, total = _shares(np.stack([regression.log_likelihood(wander) for wander in wanders]))
    return np.sqrt(np.square(SIZES) @ shares), total


def _shares(likelihoods: Floats) -> tuple[Floats, float]:
    """How likely each value (row) is for each series (column), and the log likelihood of all."""
    occurs = np.full(len(likelihoods), 1 / len(likelihoods))
    for _ in range(SHARE_ROUNDS):
        logs = likelihoods + np.log(occurs + 1e-9)[:, None]
        top = logs.max(0)
        shares = np.exp(logs - top)
        total = shares.sum(0)
        shares /= total
        occurs = shares.mean(1)
    return shares, float((top + np.log(total)).sum())
