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
from forecasting.planning.response.estimator.controls import LEAST_TRUST, Left, choose_controls
from forecasting.planning.response.estimator.pooling import Pooled, pool
from forecasting.planning.response.estimator.regression import Regression, Solution, learn_wander
from forecasting.planning.response.estimator.state import Wander
from forecasting.planning.response.estimator.timing import Timing, judge_timing
from forecasting.planning.response.estimator.units import FIXED, Groups, series_groups, unit_groups

LEARN_WANDER_IN = (0, 2, 5)
"""Rounds in which it is learned how demand wanders."""
STEP = 0.6
"""The share of a new estimate that a round takes over: controls follow the effects one round behind."""
FIRST_NOISE = 0.05


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
        self.series_groups = Groups.of(series, tuple(series_groups(codes, unit).values()), FIXED)
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
        state, left = self.state, self._fit_controls(turn)
        solution = self._solve_units(left)
        trust = self._trust_in_units(left)
        information, score = solution.scaled(trust, self.controls.shares_left(left.weight, self.unit))
        score = score + np.einsum("nij,nj->ni", information, state.of_units)
        if self.shared:
            own, own_score = self._solve_series(left)
            information, score = information + own, score + own_score
        self.units = pool(information, score, self.unit_groups, self.units)
        state.information, state.score = information, score
        change = _step(turn, trust) * (self.units.effect - state.of_units)
        state.of_units = state.of_units + change
        state.trends = solution.nuisance_after(change)
        self._center_differences(left.weight.sum(0))

    def _center_differences(self, total: Floats) -> None:
        """What all series of a unit have in common is no difference: the unit tells it. Left there, it would go over
        from one to the other, round by round.
        """
        size = np.maximum(np.bincount(self.unit, weights=total), 1e-12)
        for differences in self.state.differences.T:
            differences -= (np.bincount(self.unit, weights=total * differences) / size)[self.unit]

    def _fit_controls(self, turn: int) -> Left:
        """What the controls, fitted beside the effects of now, leave of levers and sales."""
        state, seen = self.state, self.seen
        effect = state.of_units[self.unit] + state.differences
        explained = np.einsum("tnk,nk->tn", seen.levers, effect) + self.waves @ state.trends[self.unit].T
        mean = self.controls.fit(seen, explained, state.noise)
        weight = mean / (1 + state.noise * mean)
        residual = np.where(mean > 0, (seen.y - mean) / np.maximum(mean, 1e-12), 0.0)
        return Left(turn, mean, weight, *self._levers_left(weight), residual)

    def _levers_left(self, weight: Floats) -> tuple[Floats, Floats]:
        """The levers that are regressed on, and the trust in them.

        Own levers stay as they are, less of their information counting: promotions of few series in a week are known
        better so (on simulated chains by a tenth of the error). Beside further levers, which controls share much of,
        all are what controls leave of them.
        """
        levers = self.seen.levers
        if levers.shape[-1] > self.own:
            return self.controls.residuals(levers, weight), np.ones(levers.shape[1:])
        return levers, self.controls.trust(levers, weight)

    def _trust_in_units(self, left: Left) -> Floats:
        """The trust in the levers of units: the mean over their series."""
        total = left.weight.sum(0)
        sums = np.zeros_like(self.state.of_units)
        np.add.at(sums, self.unit, left.trust * total[:, None])
        return sums / np.maximum(np.bincount(self.unit, weights=total), 1e-12)[:, None]

    def _solve_units(self, left: Left) -> Solution:
        """What the time series of the units tell: the means over their series."""
        state, by_unit = self.state, self.cells.sums(left.weight)
        waves = self.waves[:, None, :] * (by_unit > 0)[..., None]
        levers, residual = left.means(self.cells)
        # the effects of levers are off the residual, trends and waves are not
        working = residual + self.waves @ state.trends.T
        expected = by_unit if self.shared else left.mean
        regression = self.regression = Regression(levers, waves, self.variances, working, expected)
        if left.turn in LEARN_WANDER_IN:
            state.unit_wander = learn_wander(regression, self.calendar)
            if not self.shared:
                state.noise = state.unit_wander.noise
        assert state.unit_wander is not None
        return regression.solve(state.unit_wander)

    def _solve_series(self, left: Left) -> tuple[Floats, Floats]:
        """What the differences between the series of a unit tell of its effect; learns how their effects differ."""
        state, k = self.state, self.seen.levers.shape[-1]
        regression = self._differences(left)
        if left.turn in LEARN_WANDER_IN:
            state.series_wander = learn_wander(regression, self.calendar)
            state.noise = state.series_wander.noise
        assert state.series_wander is not None
        total = (left.mean / (1 + state.noise * left.mean)).sum(0)
        others = 1 - total / np.maximum(np.bincount(self.unit, weights=total)[self.unit], 1e-12)
        trust = np.concatenate([left.trust, left.trust], axis=-1)
        information, score = regression.solve(state.series_wander).scaled(trust, np.clip(others, LEAST_TRUST, 1))
        own = information[:, k:, k:]
        own_score = score[:, k:] + np.einsum("nij,nj->ni", own, state.differences)
        self.between = pool(own, own_score, self.series_groups, self.between)
        state.differences = state.differences + _step(1, left.trust) * (self.between.effect - state.differences)
        unit_information, unit_score = np.zeros((len(state.of_units), k, k)), np.zeros_like(state.of_units)
        np.add.at(unit_information, self.unit, information[:, :k, :k])
        np.add.at(unit_score, self.unit, score[:, :k])
        return unit_information, unit_score + np.einsum("nij,nj->ni", unit_information, state.of_units)

    def _differences(self, left: Left) -> Regression:
        """Of each series how far its sales are from those of its unit, on how far its levers are, and on the levers."""
        seen, (levers, residual) = self.seen.seen, left.means(self.cells)
        apart = (left.levers - levers[:, self.unit]) * seen[..., None]
        columns = np.concatenate([apart, left.levers], axis=-1)
        trends = self.waves[:, None, :2] * seen[..., None]
        working = (left.residual - residual[:, self.unit]) * seen
        return Regression(columns, trends, np.array([FREE, TREND**2]), working, left.mean)

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
