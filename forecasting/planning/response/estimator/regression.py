"""Generalised least squares for many series at once: `Regression` gives information and score of the levers of each.

A Regression holds arrays of periods x series: levers, nuisance columns (trend, waves) and what is left of sales, in
shares of their mean. `learn_wander` finds how the demand of each series wanders by the likelihood of what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from forecasting.planning.response.estimator.arrays import Cells, Floats, Ints
from forecasting.planning.response.estimator.calendar import FREE, Calendar
from forecasting.planning.response.estimator.state import Wander, cross_products, products_and_determinant

MEMORIES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)
"""Shares of a deviation that may be left after a span (a week of days, else a period)."""
FIRST_MEMORY = 0.9
"""Where the search for the memory begins."""
SIZES = (0.001, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45)
"""Standard deviations of the log of demand around what is explained."""
NOISES = (0.0, 0.002, 0.01, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0)
"""Variances of sales beyond Poisson, in units of the squared mean: what does not last."""
COARSE_SIZES = (0.001, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45)
COARSE_NOISES = (0.0, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Pairs of both, with which the memory is chosen: noise that does not last must not look like a short memory."""
SHARE_ROUNDS = 30
MOST_SERIES = 48
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

    def by_span(self, span: Ints) -> Regression:
        """The regression of means over spans of periods."""
        cells = Cells(np.arange(self.expected.shape[1]), span)
        total = cells.sums(self.expected)
        share = self.expected / np.maximum(total, 1e-12)[span]

        def means(array: Floats) -> Floats:
            return np.stack([cells.sums(column * share) for column in np.moveaxis(array, -1, 0)], axis=-1)

        return Regression(
            means(self.levers), means(self.nuisance), self.variances, cells.sums(self.residual * share), total
        )

    def solve(self, wander: Wander) -> Solution:
        """The Solution, the nuisance estimated beside the levers."""
        k, n = self.levers.shape[-1], self.nuisance.shape[-1]
        weight = wander.weights(self.expected)
        products = cross_products(self._columns, weight, wander)
        lever, nuisance = slice(0, k), slice(k, k + n)
        inverse = np.linalg.inv(products[:, nuisance, nuisance] + np.diag(1 / self.variances))
        slope = inverse @ products[:, nuisance, lever]
        known = np.einsum("nij,nj->ni", inverse, products[:, nuisance, -1])
        information = products[:, lever, lever] - products[:, lever, nuisance] @ slope
        score = products[:, lever, -1] - np.einsum("nij,nj->ni", products[:, lever, nuisance], known)
        left = products[:, -1, -1] - np.einsum("ni,ni->n", known, products[:, nuisance, -1])
        seen = (weight > 0).sum(0)
        scale = np.maximum((left + PRIOR_PERIODS) / (seen + PRIOR_PERIODS), LEAST_SCALE)
        return Solution(information, score, scale, known, slope)

    def log_likelihood(self, wander: Wander) -> Floats:
        """The log likelihood of the residual by series, levers and nuisance integrated out (restricted likelihood: what
        they could explain says nothing about how demand wanders).
        """
        k = self.levers.shape[-1]
        products, log_det = products_and_determinant(self._columns, wander.weights(self.expected), wander)
        known = products[:, :-1, :-1] + np.diag(np.concatenate([np.full(k, 1 / FREE), 1 / self.variances]))
        side = products[:, :-1, -1]
        left = products[:, -1, -1] - np.einsum("ni,ni->n", side, np.linalg.solve(known, side[..., None])[..., 0])
        return np.asarray(-0.5 * (log_det + np.linalg.slogdet(known)[1] + left))

    @cached_property
    def _columns(self) -> Floats:
        return np.concatenate([self.levers, self.nuisance, self.residual[..., None]], axis=-1)


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

    def scaled(self, trust: Floats, left: Floats) -> tuple[Floats, Floats]:
        """Information and score in units of the innovations; `trust` (series x levers) is the share of each lever's
        variation that controls leave, `left` (by series) the share of the innovations' variance that they leave.
        """
        root, scale = np.sqrt(trust), self.scale / left
        information = self.information * root[:, :, None] * root[:, None, :] / scale[:, None, None]
        return information, self.score / scale[:, None]

    def nuisance_after(self, change: Floats) -> Floats:
        """The coefficients of the nuisance once the levers' effects have changed so."""
        return np.asarray(self.nuisance - np.einsum("nij,nj->ni", self.slope, change))


def learn_wander(regression: Regression, calendar: Calendar) -> Wander:
    """How demand wanders: a memory for all series; the noise, then the size of each are means over grids, weighted by
    their likelihood and by how often each occurs among the series.

    >>> from forecasting.frequency import FREQS
    >>> steady = np.zeros((30, 1))
    >>> nuisance = np.ones((30, 1, 1))
    >>> regression = Regression(np.zeros((30, 1, 1)), nuisance, np.array([1.0]), steady, np.full((30, 1), 100.0))
    >>> wander = learn_wander(regression, Calendar.of(FREQS["1w"], 30))
    >>> bool(wander.size[0] < 0.1 and wander.noise[0] < 0.05)
    True
    """
    series = regression.expected.shape[1]
    some = regression.of_series(np.arange(0, series, -(-series // MOST_SERIES))).by_span(calendar.span)
    memory, usual = _best_memory(some)
    kept, size = memory ** (1 / calendar.per_span), np.full(series, usual)
    wanders = [Wander(kept, size, np.full(series, noise)) for noise in NOISES]
    noise = np.array(NOISES) @ _shares(np.stack([regression.log_likelihood(w) for w in wanders]))[0]
    wanders = [Wander(kept, np.full(series, size), noise) for size in SIZES]
    shares, _ = _shares(np.stack([regression.log_likelihood(w) for w in wanders]))
    return Wander(kept, np.sqrt(np.square(SIZES) @ shares), noise)


def _best_memory(regression: Regression) -> tuple[float, float]:
    """The likeliest memory of all series, and the size that it goes with: from FIRST_MEMORY uphill."""
    series = regression.expected.shape[1]
    every = regression.of_series(np.tile(np.arange(series), len(COARSE_SIZES) * len(COARSE_NOISES)))
    tried: dict[float, tuple[float, float]] = {}
    best, last = FIRST_MEMORY, None
    while best != last:
        last, place = best, MEMORIES.index(best)
        near = MEMORIES[max(place - 1, 0) : place + 2]
        tried |= {memory: _coarse(every, series, memory) for memory in near if memory not in tried}
        best = max(near, key=lambda memory: tried[memory][0])
    return best, tried[best][1]


def _coarse(every: Regression, series: int, memory: float) -> tuple[float, float]:
    """The log likelihood of all series with this memory, and the size that it goes with; `every` has all series once
    for each pair of size and noise.
    """
    sizes, noises = (np.ravel(grid) for grid in np.meshgrid(COARSE_SIZES, COARSE_NOISES, indexing="ij"))
    likelihood = every.log_likelihood(Wander(memory, np.repeat(sizes, series), np.repeat(noises, series)))
    shares, total = _shares(likelihood.reshape(-1, series))
    return total, float(np.sqrt(np.mean(np.square(sizes) @ shares)))


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
