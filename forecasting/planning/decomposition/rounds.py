"""One fit of a decomposition in rounds: Rounds holds what is known so far, and updates one effect given all others.

It takes a Design and what was pooled before (nothing for the first fit). Arrays change in place; nothing outside does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.planning.decomposition.design import Design
from forecasting.planning.decomposition.factors import center, estimate_ratios, shrink_ratios
from forecasting.planning.decomposition.lines import COLUMNS, Prior, solve_lines
from forecasting.planning.decomposition.pooled import ALL, OWN, Effects, Noise, Pooled, shape_of
from forecasting.planning.decomposition.shrinkage import between_variance, shrink_to_groups

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FARTHEST = 30.0
"""The largest logarithm of what is expected."""
CLIPPED = 0.995
"""Squared errors above this quantile count as much as it: a slip is no noise."""
SURE = 1e6
"""The precision of what all series have in common."""


@dataclass(frozen=True)
class Cells:
    """Groups and places of a factor: `labels` of the groups, numbers of the `places`, the cell (group and place) `at`
    which each row is, the `rows` that can have an effect, and those that are `seen` among them.
    """

    labels: dict[str, int]
    places: Ints
    at: Ints
    rows: Ints
    seen: Ints


class Rounds:
    """The state of a fit: `lines` are the coefficients of each series (see COLUMNS), `sold` the series that sold."""

    def __init__(self, design: Design, before: Pooled | None = None) -> None:
        self.design, self.before = design, before or Pooled()
        count = len(design.ids)
        total = np.bincount(design.series, np.nan_to_num(design.y), count)
        rows = np.bincount(design.series, design.fitted, count)
        self.sold = np.flatnonzero(total > 0)
        self.seen = design.fitted & (total > 0)[design.series]
        self.x = np.stack([np.ones(len(design.y)), design.years, design.price, design.promo], axis=1)
        self.lines = np.zeros((count, len(COLUMNS)))
        self.lines[:, 0] = np.log(np.maximum(total, 1e-12) / np.maximum(rows, 1))
        self.noise, self.own, self.expected = self.before.noise, dict(self.before.own), dict(self.before.expected)
        self.effects = dict(self.before.effects)
        self.added: dict[tuple[str, str], Floats] = {
            key: effects.of_rows(self._labels(key[1]), design.series, design.places[key[0]])
            for key, effects in self.effects.items()
        }
        if before:
            mean = self._prior().mean
            self.lines[:, 1:] = mean[:, 1:]
        self.alone, self.errors = self.lines.copy(), np.full(self.lines.shape, np.inf)
        self.y = design.y[self.seen]
        self.cells: dict[tuple[str, str], Cells] = {}
        self.logs = self._from_lines() + sum(self.added.values(), np.zeros(len(design.y)))

    def _labels(self, grouping: str) -> Sequence[str]:
        """The label of each series in a grouping."""
        if grouping == ALL:
            return [ALL] * len(self.design.ids)
        return self.design.ids if grouping == OWN else self.design.groups.get(grouping, [""] * len(self.design.ids))

    def _from_lines(self) -> Floats:
        """The part of the logarithms that comes from the coefficients of the series, by row."""
        return np.asarray((self.x * self.lines[self.design.series]).sum(axis=1))

    def _prior(self) -> Prior:
        mean, precision = np.zeros(self.lines.shape), np.zeros(self.lines.shape)
        for k, name in enumerate(COLUMNS[1:], start=1):
            found = self.expected.get(name)
            if found:
                mean[:, k] = found.of(self.design.groups, len(self.lines))
                precision[:, k] = 1 / max(found.variance, 1 / SURE)
        return Prior(mean, precision)

    def update_lines(self) -> None:
        """One step of the coefficients of all series."""
        at, expected = self.seen, np.exp(self.logs[self.seen].clip(-FARTHEST, FARTHEST))
        weight = self.noise.weights(expected) / self.noise.level
        score, information = weight * (self.y - expected), weight * expected
        step = solve_lines(self.x[at], self.design.series[at], score, information, self.lines, self._prior())
        self.logs -= self._from_lines()
        self.lines += step.change
        self.logs += self._from_lines()
        self.alone, self.errors = step.alone, step.variance

    def update_expected(self) -> None:
        """What to expect of the coefficients of a series, from those of all series that sold."""
        mine = {name: [labels[i] for i in self.sold] for name, labels in self.design.groups.items()}
        for k, name in enumerate(COLUMNS[1:], start=1):
            self.expected[name] = shrink_to_groups(self.alone[self.sold, k], self.errors[self.sold, k], mine)

    def update_factor(self, factor: str, grouping: str) -> None:
        """The effects of a factor by the groups of a grouping, from the rows at any place that can have one."""
        cells = self._cells(factor, grouping)
        shape = shape_of(factor, len(cells.places), self.design.spread)
        before = self.added.setdefault((factor, grouping), np.zeros(len(self.logs)))
        expected = np.exp(self.logs[cells.seen] - before[cells.seen])
        weight, size = self.noise.weights(expected), (len(cells.labels), shape.size)
        sold, due = (
            np.bincount(cells.at[cells.seen], weight * amount, size[0] * size[1]).reshape(size).astype(np.float64)
            for amount in (self.design.y[cells.seen], expected)
        )
        values, variance = estimate_ratios(sold, due, self.noise.level, shape)
        values = center(values, due, shape)
        if grouping != ALL or not shape.common:
            known = self.before.own.get(factor) if grouping == OWN else None
            values, between = shrink_ratios(values, variance, due, shape, known)
            self.own |= {factor: between} if grouping == OWN else {}
        self.effects[factor, grouping] = Effects(cells.labels, cells.places, values)
        change = values.ravel()[cells.at[cells.rows]] - before[cells.rows]
        before[cells.rows] += change
        self.logs[cells.rows] += change

    def _cells(self, factor: str, grouping: str) -> Cells:
        if (factor, grouping) not in self.cells:
            names, group = np.unique(self._labels(grouping), return_inverse=True)
            known = self.effects.get((factor, ALL))
            places = known.places if known is not None else np.unique(self.design.places[factor])
            place = np.searchsorted(places, self.design.places[factor]).clip(0, len(places) - 1)
            labels = dict(zip(map(str, names), range(len(names)), strict=True))
            there = place >= int(shape_of(factor, len(places), 0.0).anchored)
            at = group[self.design.series] * len(places) + place
            self.cells[factor, grouping] = Cells(
                labels, places, at, np.flatnonzero(there), np.flatnonzero(there & self.seen)
            )
        return self.cells[factor, grouping]

    def update_noise(self) -> None:
        """The variance of sales as a multiple of their expectation and of its square, from all rows together."""
        expected = np.exp(self.logs[self.seen])
        ratio = (self.y - expected) ** 2 / expected
        ratio = np.minimum(ratio, np.quantile(ratio, CLIPPED))
        weight = self.noise.weights(expected) ** 2
        mean, center_of = np.average(ratio, weights=weight), np.average(expected, weights=weight)
        spread = np.average((expected - center_of) ** 2, weights=weight)
        slope = np.average((ratio - mean) * (expected - center_of), weights=weight) / max(spread, 1e-12)
        level = mean - max(slope, 0.0) * center_of
        level = max(level, mean / 1000, 1e-12)
        self.noise = Noise(level, max(mean - level, 0.0) / max(center_of, 1e-12) / level)

    def recent_levels(self) -> tuple[Floats, Floats]:
        """By series the logarithm of what it sold of late over what was expected, and the variance of its error."""
        at, count = self.seen & self.design.recent, len(self.design.ids)
        expected = np.exp(self.logs[at])
        weight = self.noise.weights(expected)
        sold, due = (np.bincount(self.design.series[at], weight * v, count) for v in (self.design.y[at], expected))
        return np.log(sold + 0.5) - np.log(due + 0.5), self.noise.level / np.maximum(due, 1e-12)

    def pooled(self) -> Pooled:
        """What the series have in common."""
        found, errors = self.recent_levels()
        recent = between_variance(found[self.sold], errors[self.sold])
        effects = {key: value for key, value in self.effects.items() if key[1] != OWN}
        return Pooled(effects, self.own, self.expected, recent, self.noise)

    def factor_effect(self, factors: Iterable[str]) -> Floats:
        """The sum of the effects of these factors over all groupings, by row."""
        parts = [added for (factor, _), added in self.added.items() if factor in factors]
        return np.asarray(sum(parts, np.zeros(len(self.design.y))))

    def line_effects(self) -> dict[str, Floats]:
        """The trend, with how far the newest level lies off it on rows from then on, price and promotion, by row."""
        design, (found, errors) = self.design, self.recent_levels()
        off = np.where(np.isfinite(errors), found * self.before.recent / (self.before.recent + errors + 1e-12), 0.0)
        newest = design.recent | ~design.fitted
        trend, price, promotion = (self.x[:, k] * self.lines[design.series, k] for k in (1, 2, 3))
        return {"trend": trend + off[design.series] * newest, "price": price, "promotion": promotion}
