"""The fit in rounds: `Fit.round` fits controls beside the effects of levers, and effects beside the controls.

Residual on residual: what controls and trends leave of sales is regressed on the levers, by generalised least squares
on the innovations of demand that wanders, in the weights of a Poisson pseudo-likelihood (so zeros are kept); then the
controls are fitted again beside the new effects, until both agree. Where series share their levers they share shocks,
too: the sum of a unit tells its effect, and how its series differ from it tells how their effects differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace

import numpy as np

from forecasting.planning.response.estimator.arrays import Cells, Floats, Ints, Observed
from forecasting.planning.response.estimator.calendar import FREE, TREND, Calendar
from forecasting.planning.response.estimator.controls import Controls, choose_controls
from forecasting.planning.response.estimator.pooling import FIXED, Groups, Pooled, pool
from forecasting.planning.response.estimator.regression import Regression, Solution, learn_wander
from forecasting.planning.response.estimator.state import Wander
from forecasting.planning.response.estimator.timing import Timing, judge_timing
from forecasting.planning.response.estimator.units import series_groups, unit_groups

LEARN_WANDER_IN = (0, 3, 7)
"""Rounds in which it is learned how demand wanders."""
STEP = 0.6
"""The share of a new estimate that a round takes over: controls follow the effects one round behind."""
FIRST_NOISE = 0.05
LEAST_TRUST = 0.05


@dataclass
class _State:
    """What the rounds hand on: effects of units and how series differ from them, trends and waves, and the noise."""

    of_units: Floats
    differences: Floats
    trends: Floats
    noise: Floats
    unit_wander: Wander | None = None
    series_wander: Wander | None = None
    information: Floats = field(default_factory=lambda: np.zeros(0))
    score: Floats = field(default_factory=lambda: np.zeros(0))


class Fit:
    """A fit in rounds: controls given effects, effects given controls."""

    def __init__(self, seen: Observed, unit: Ints, calendar: Calendar, codes: Mapping[str, Ints]) -> None:
        series, levers, units = *seen.levers.shape[1:], int(unit.max()) + 1
        self.seen, self.unit, self.calendar, self.own = seen, unit, calendar, levers
        self.shared = units < series
        self.cells = Cells(unit, np.arange(len(seen.y)))
        self.waves, self.variances = calendar.waves()
        self.controls = choose_controls(seen, codes, calendar.span, calendar.phase)
        self.unit_groups = Groups.of(units, tuple(unit_groups(codes, unit).values()))
        self.series_groups = Groups.of(series, tuple(series_groups(codes, unit).values()))
        start = np.zeros((units, levers)), np.zeros((series, levers)), np.zeros((units, self.variances.size))
        self.state = _State(*start, np.full(series, FIRST_NOISE))
        self.units: Pooled | None = None
        self.between: Pooled | None = None
        self.regression: Regression | None = None

    def extended(self, seen: Observed) -> Fit:
        """A fit that goes on from this one with more levers behind its own, which stays as it is.

        The own levers alone decide about units and controls.
        """
        more, state = copy(self), self.state
        added = [(0, 0), (0, seen.levers.shape[-1] - self.seen.levers.shape[-1])]
        of_units, differences = np.pad(state.of_units, added), np.pad(state.differences, added)
        more.seen, more.controls = seen, deepcopy(self.controls)
        more.state = replace(state, of_units=of_units, differences=differences)
        more.units = more.between = more.regression = None
        return more

    def round(self, turn: int) -> None:
        """Fit the controls beside the effects, and the effects beside the controls."""
        state, seen = self.state, self.seen
        effect = state.of_units[self.unit] + state.differences
        explained = np.einsum("tnk,nk->tn", seen.levers, effect) + self.waves @ state.trends[self.unit].T
        mean = self.controls.fit(seen, explained, state.noise)
        weight = mean / (1 + state.noise * mean)
        residual = np.where(mean > 0, (seen.y - mean) / np.maximum(mean, 1e-12), 0.0)
        columns, trust = self._columns(weight)
        means = self._unit_means(columns, residual, weight)
        solution = self._solve_units(turn, means, mean, weight)
        left = self.controls.shares_left(weight, self.unit)
        trust_in_units = self._by_unit(trust, weight)
        information, score = solution.scaled(trust_in_units, left)
        score = score + np.einsum("nij,nj->ni", information, state.of_units)
        if self.shared:
            own, own_score = self._solve_series(turn, columns, means, mean, residual, trust)
            information, score = information + own, score + own_score
        self.units = pool(information, score, self.unit_groups, before=self.units)
        state.information, state.score = information, score
        change = _step(turn, trust_in_units) * (self.units.effect - state.of_units)
        state.of_units = state.of_units + change
        state.trends = solution.nuisance_after(change)

    def _columns(self, weight: Floats) -> tuple[Floats, Floats]:
        """The levers that are regressed on, and the share of each one's information that is its own.

        Beside further levers, which controls share much of, all are less what controls explain of them.
        """
        levers = self.seen.levers
        if levers.shape[-1] == self.own:
            return levers, _trust(self.controls, levers, weight)
        return self.controls.residuals(levers, weight), np.ones(levers.shape[1:])

    def _unit_means(self, columns: Floats, residual: Floats, weight: Floats) -> tuple[Floats, Floats]:
        """Levers and residual of the units: means over their series."""
        total = np.maximum(self.cells.sums(weight), 1e-12)
        levers = [self.cells.sums(lever * weight) / total for lever in np.moveaxis(columns, -1, 0)]
        return np.stack(levers, axis=-1), self.cells.sums(residual * weight) / total

    def _solve_units(self, turn: int, means: tuple[Floats, Floats], mean: Floats, weight: Floats) -> Solution:
        """What the time series of the units tell."""
        state, (levers, residual) = self.state, means
        by_unit = self.cells.sums(weight)
        waves = self.waves[:, None, :] * (by_unit > 0)[..., None]
        expected = by_unit if self.shared else mean
        # the effects of levers are off the residual, trends and waves are not
        working = residual + self.waves @ state.trends.T
        regression = self.regression = Regression(levers, waves, self.variances, working, expected)
        if turn in LEARN_WANDER_IN:
            state.unit_wander = learn_wander(regression, self.calendar)
            if not self.shared:
                state.noise = state.unit_wander.noise
        assert state.unit_wander is not None
        return regression.solve(state.unit_wander)

    def _solve_series(
        self, turn: int, levers: Floats, means: tuple[Floats, Floats], mean: Floats, residual: Floats, trust: Floats
    ) -> tuple[Floats, Floats]:
        """What the differences between the series of a unit tell of its effect; learns how their effects differ."""
        state, seen, k = self.state, self.seen, levers.shape[-1]
        apart = (levers - means[0][:, self.unit]) * seen.seen[..., None]
        left = (residual - means[1][:, self.unit]) * seen.seen
        trends = self.waves[:, None, :2] * seen.seen[..., None]
        columns = np.concatenate([apart, levers], axis=-1)
        variances = np.array([FREE, TREND**2])
        regression = Regression(columns, trends, variances, left, mean)
        if turn in LEARN_WANDER_IN:
            state.series_wander = learn_wander(regression, self.calendar)
            state.noise = state.series_wander.noise
        assert state.series_wander is not None
        solution = regression.solve(state.series_wander)
        weight = mean / (1 + state.noise * mean)
        others = 1 - weight.sum(0) / np.maximum(self.cells.sums(weight).sum(0)[self.unit], 1e-12)
        information, score = solution.scaled(np.concatenate([trust, trust], axis=-1), np.clip(others, LEAST_TRUST, 1))
        own = information[:, k:, k:]
        own_score = score[:, k:] + np.einsum("nij,nj->ni", own, state.differences)
        self.between = pool(own, own_score, self.series_groups, mean=FIXED, before=self.between)
        state.differences = state.differences + _step(1, trust) * (self.between.effect - state.differences)
        unit_information, unit_score = np.zeros((len(state.of_units), k, k)), np.zeros_like(state.of_units)
        np.add.at(unit_information, self.unit, information[:, :k, :k])
        np.add.at(unit_score, self.unit, score[:, :k])
        return unit_information, unit_score + np.einsum("nij,nj->ni", unit_information, state.of_units)

    def _by_unit(self, trust: Floats, weight: Floats) -> Floats:
        """The trust in the levers of units: the mean over their series."""
        total = weight.sum(0)
        sums = np.zeros_like(self.state.of_units)
        np.add.at(sums, self.unit, trust * total[:, None])
        return sums / np.maximum(np.bincount(self.unit, weights=total), 1e-12)[:, None]

    def judge_timing(self) -> Timing:
        """The timing of the levers of units, after the last round."""
        assert self.regression is not None
        assert self.state.unit_wander is not None
        return judge_timing(self.regression, self.state.unit_wander, self.unit_groups)


def _step(turn: int, trust: Floats) -> Floats:
    """The share of a new estimate that a round takes over.

    Where controls share most of a lever's variation a whole step would go too far, for they follow a round behind, and
    effects would swing ever wider.

    >>> _step(1, np.array([1.0, 0.25])).tolist()
    [0.6, 0.3]
    """
    return np.asarray((STEP if turn else 1.0) * np.sqrt(trust))


def _trust(controls: Controls, levers: Floats, weight: Floats) -> Floats:
    """The share of each lever's variation that controls leave, by series: the rest of its information is theirs."""
    left = controls.residuals(levers, weight)
    share = np.einsum("tnk,tn->nk", left**2, weight) / np.maximum(np.einsum("tnk,tn->nk", levers**2, weight), 1e-12)
    return np.asarray(np.clip(share, LEAST_TRUST, 1))
