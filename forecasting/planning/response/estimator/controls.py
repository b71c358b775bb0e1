"""What else moves sales: levels, weekdays, common days, and spans of time of groups of series, as factors.

`Controls.fit` takes sales and what the levers explain and fits the factors one after the other until they agree
(Poisson regression by iterative scaling, each factor shrunk as far as its cells are alike); `residuals` returns columns
less what the same cells explain of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from forecasting.planning.response.estimator.arrays import Cells, Floats, Ints, Observed

SWEEPS = 4
LARGEST = 20.0
"""The largest log mean: beyond it numbers overflow."""
SERIES_PER_GROUP = 4
"""A group of fewer series has no factor of its own in time: it would be that of its series."""
OWN_VARIATION = 0.5
"""A group has a factor in time where at least this share of a lever's variation is between its series at one time."""
LEAST_TRUST = 0.05
"""The least share of a lever's variation that is taken to be its own."""
LEAST_LEFT = 0.05
"""Less of a shock than this is never taken to be left."""
LEAST, MOST = 0.02**2, 1.0
"""Variances of the logs of a factor's cells that are believed."""


@dataclass
class Controls:
    """Factors by cells: `logs` holds the log of each, spans x groups, `prior` the variance of its cells."""

    cells: tuple[Cells, ...]
    logs: list[Floats] = field(default_factory=list)
    prior: list[float] = field(default_factory=list)

    def total(self) -> Floats | float:
        """The sum of the logs by period and series."""
        return sum((c.spread(log) for c, log in zip(self.cells, self.logs, strict=True)), 0.0)

    def fit(self, seen: Observed, explained: Floats, noise: Floats) -> Floats:
        """Fit the factors to sales of which levers and trends explain `explained` (log); returns the mean."""
        if not self.logs:
            self.logs = [c.sums(np.zeros_like(seen.y)) for c in self.cells]
            self.prior = [MOST] * len(self.cells)
        logs = explained + self.total()
        for _ in range(SWEEPS):
            for i, cells in enumerate(self.cells):
                mean = _mean(logs, seen)
                share = 1 / (1 + noise * mean)
                mean *= share
                share *= seen.y
                weight = cells.sums(mean)
                missed = np.log((cells.sums(share) + 0.5) / (weight + 0.5))
                raw = self.logs[i] + missed
                if cells.groups < seen.y.shape[1] or cells.span.max() > 0:
                    spread = np.average(raw**2 - 1 / (weight + 1), weights=weight + 1e-9)
                    self.prior[i] = float(np.clip(spread, LEAST, MOST))
                    raw = raw * weight / (weight + 1 / self.prior[i])
                logs += cells.spread(raw - self.logs[i])
                self.logs[i] = raw
        return _mean(logs, seen)

    def residuals(self, columns: Floats, weight: Floats) -> Floats:
        """Columns (periods x series x columns) less what the cells explain of each, as far as they are believed."""
        left = np.empty_like(columns)
        sums, seen = [cells.sums(weight) for cells in self.cells], weight > 0
        for k in range(columns.shape[-1]):
            column = columns[..., k].copy()  # of its own, as every second number is slow to read
            known = [np.zeros_like(total) for total in sums]
            for _ in range(SWEEPS):
                for i, (cells, prior) in enumerate(zip(self.cells, self.prior, strict=True)):
                    new = (cells.sums(column * weight) + sums[i] * known[i]) / (sums[i] + 1 / prior)
                    column -= cells.spread(new - known[i])
                    known[i] = new
            left[..., k] = np.where(seen, column, 0.0)
        return left

    def trust(self, levers: Floats, weight: Floats) -> Floats:
        """The share of each lever's variation that the cells leave, by series; the rest is theirs."""
        left = self.residuals(levers, weight)
        size = np.maximum(np.einsum("tnk,tn->nk", levers**2, weight), 1e-12)
        return np.asarray(np.clip(np.einsum("tnk,tn->nk", left**2, weight) / size, LEAST_TRUST, 1))

    def shares_left(self, weight: Floats, unit: Ints) -> Floats:
        """The share of a shock of each unit that the factors in time leave: the rest looks like one of its group."""
        left = np.ones(int(unit.max()) + 1)
        for cells, prior in zip(self.cells, self.prior, strict=True):
            if cells.lasting:
                continue
            shared, place = np.unique(unit * cells.groups + cells.group, return_inverse=True)
            own = Cells(place, cells.span).sums(weight)
            taken = own**2 / (cells.sums(weight)[:, shared % cells.groups] + 1 / prior)
            sums = [np.bincount(shared // cells.groups, weights=w.sum(0), minlength=left.size) for w in (taken, own)]
            left *= 1 - sums[0] / np.maximum(sums[1], 1e-12)
        return np.clip(left, LEAST_LEFT, 1)


def _mean(logs: Floats, seen: Observed) -> Floats:
    mean = np.clip(logs, -LARGEST, LARGEST)
    np.exp(mean, out=mean)
    mean *= seen.seen
    return np.asarray(mean)


@dataclass(frozen=True)
class Left:
    """What controls leave in the round `turn`, by period and series: levers, and sales in shares of their `mean`.

    `trust` is the share of each lever's information (series x levers) that is its own and not that of controls.
    """

    turn: int
    mean: Floats
    weight: Floats
    levers: Floats
    trust: Floats
    residual: Floats

    def means(self, cells: Cells) -> tuple[Floats, Floats]:
        """Levers and residual of units: means over their series."""
        total = np.maximum(cells.sums(self.weight), 1e-12)
        levers = [cells.sums(lever * self.weight) / total for lever in np.moveaxis(self.levers, -1, 0)]
        return np.stack(levers, axis=-1), cells.sums(self.residual * self.weight) / total


def choose_controls(seen: Observed, codes: Mapping[str, Ints], week: Ints, phase: Ints) -> Controls:
    """The factors of a panel: levels of series, phases of the season, common days, and groups of series in time.

    `codes` are the groups of each series by static column, `week` and `phase` number the week and the phase of each
    period.
    """
    periods, series = seen.y.shape
    every, own = np.zeros(series, np.int64), np.arange(series)
    cells = [Cells(own, np.zeros(periods, np.int64))]
    if phase.max() > 0:
        cells += [Cells(every, phase), Cells(own, phase)]
    in_time = [c for c in (every, *codes.values()) if is_apart(seen, Cells(c, week))]
    cells += [Cells(c, week) for c in in_time]
    if phase.max() > 0 and is_apart(seen, Cells(every, np.arange(periods))):
        cells.append(Cells(every, np.arange(periods)))
    return Controls(tuple(cells))


def is_apart(seen: Observed, cells: Cells) -> bool:
    """Whether levers differ enough between the series of a cell for the cell to have a factor of its own."""
    enough = seen.y.shape[1] >= SERIES_PER_GROUP * cells.groups
    return enough and min(own_variation(seen, cells)) >= OWN_VARIATION


def own_variation(seen: Observed, cells: Cells) -> Sequence[float]:
    """The share of each lever's variation that is between the series of a cell.

    >>> import polars as pl
    >>> levers = np.array([[[-1.0, 0.0], [-1.0, 1.0]], [[1.0, 0.0], [1.0, -1.0]]])
    >>> seen = Observed(pl.Series(["A", "B"]), np.ones((2, 2)), levers, np.ones((2, 2)))
    >>> own_variation(seen, Cells(np.array([0, 0]), np.array([0, 1])))
    [0.0, 0.5]
    """
    count = np.maximum(cells.sums(seen.seen), 1)
    shares = []
    for k in range(seen.levers.shape[-1]):
        lever = seen.levers[..., k]
        within = (lever - cells.spread(cells.sums(lever) / count)) * seen.seen
        shares.append(float((within**2).sum() / max((lever**2).sum(), 1e-12)))
    return shares
