"""Weights of all series: AllSteps holds what all steps say, `mean_by_steps` and `middle_by_steps` those of steps.

Both take AllSteps, which `fit_all_steps` makes of Errors; a group of steps borrows from all steps, as they say more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from forecasting.evaluation.ensemble_weights.errors import Errors, Floats
from forecasting.evaluation.ensemble_weights.forms import StepWeights
from forecasting.evaluation.ensemble_weights.solve import (
    Flags,
    good_members,
    in_doubt,
    moments,
    of_size_one,
    smallest_sizes,
    smallest_squares,
)

BORROWED_STEPS = 500.0
"""This many cells of all steps count in a group of steps in addition to its own: one step says less than all."""
DOUBT = 200.0
"""With this many independent cells the simple mean weighs as much as the errors."""
TOTALS = 0.1
"""This much the errors of the totals of all series count in addition to those of the series."""


@dataclass(frozen=True)
class AllSteps:
    """The errors of all series and steps, and what they say: `cells` independent ones, moments of means and of totals
    (k, k), sizes of means and of medians (k,).
    """

    errors: Errors
    cells: float
    moments: Floats
    totals: Floats
    sizes: Floats
    sizes_of_medians: Floats

    @property
    def doubt(self) -> float:
        """The weight of the simple mean, from 0 to 1."""
        return DOUBT / (self.cells + DOUBT)

    @property
    def kept(self) -> Flags:
        """Who takes part in the mean (k,)."""
        return good_members(self.sizes, self.cells)

    @property
    def near(self) -> Flags:
        """Who takes part in the median (k,)."""
        return good_members(self.sizes_of_medians, self.cells)

    @cached_property
    def weight(self) -> Floats:
        """The weights of the mean (k,)."""
        return self.mean_weights(self.moments, self.kept, self.cells, 0.0)

    @cached_property
    def middle(self) -> Floats:
        """The weights of the median (k,)."""
        return smallest_sizes(self.errors.of_medians, self.near, self.doubt)

    def mean_weights(self, own: Floats, kept: Flags, cells: float, borrowed: float) -> Floats:
        """The weights (k,) of the mean for the moments of some rows, which so many cells of all rows are added to."""
        parts = cells * of_size_one(own, kept) + borrowed * of_size_one(self.moments, kept)
        # the doubt is about small differences between members, not about a lean that all totals show
        matrix = in_doubt(parts, kept, self.doubt) + TOTALS * of_size_one(self.totals, kept)
        return smallest_squares(matrix, kept)

    def middle_weights(self, own: Floats, near: Flags, cells: float, borrowed: float) -> Floats:
        """The weights (k,) of the median for the errors of some rows, and so many cells of all rows."""
        return blend(smallest_sizes(own, near, self.doubt), self.middle, cells, borrowed)


def fit_all_steps(errors: Errors) -> AllSteps:
    """What all steps of all series say."""
    of_means = errors.of_means
    sizes, near = errors.sizes(of_means), np.abs(errors.of_medians).mean(axis=0)
    return AllSteps(errors, errors.cells, moments(of_means), moments(errors.of_totals), sizes, near)


def mean_by_steps(every: AllSteps) -> list[StepWeights]:
    """The weights of the mean by groups of steps.

    A member that is good at some steps takes part in these, one that is good at all takes part in each.
    """
    return [_mean_of(every, first, last, own) for first, last, own in _groups(every)]


def _mean_of(every: AllSteps, first: int, last: int, own: Errors) -> StepWeights:
    of_means = own.of_means
    kept = every.kept | good_members(_shrunk(own.sizes(of_means), every.sizes, every.cells), every.cells)
    weight = every.mean_weights(moments(of_means), kept, every.cells, BORROWED_STEPS)
    return StepWeights(first, last, weight, kept)


def middle_by_steps(every: AllSteps) -> list[Floats]:
    """The weights of the median (k,) of the same groups of steps."""
    return [_middle_of(every, own.of_medians) for _, _, own in _groups(every)]


def _middle_of(every: AllSteps, of_medians: Floats) -> Floats:
    sizes = _shrunk(np.abs(of_medians).mean(axis=0), every.sizes_of_medians, every.cells)
    near = every.near | good_members(sizes, every.cells)
    return every.middle_weights(of_medians, near, every.cells, BORROWED_STEPS)


def _groups(every: AllSteps) -> list[tuple[int, int, Errors]]:
    """First step, last step and errors of each group of steps that has some."""
    last = int(every.errors.frame["step"].max())  # type: ignore[arg-type]
    firsts = first_steps(last)
    spans = zip(firsts, [*(first - 1 for first in firsts[1:]), last], strict=True)
    parts = [(a, b, every.errors.where(pl.col("step").is_between(a, b))) for a, b in spans]
    return [part for part in parts if part[2].frame.height]


def first_steps(horizon: int) -> list[int]:
    """The first steps of groups of steps: the first one alone, as it is nearest to the last value, then up to three
    more, each as many times longer as the one before.

    >>> first_steps(24), first_steps(2), first_steps(1)
    ([1, 2, 4, 9], [1, 2], [1])
    """
    ends = sorted({1, *(max(1, round(horizon ** (i / 3))) for i in (1, 2, 3))})
    return [1, *(end + 1 for end in ends[:-1])]


def blend(own: Floats, all_rows: Floats, cells: float, borrowed: float) -> Floats:
    """What some rows say, and what so many cells of all rows say."""
    return np.asarray((cells * own + borrowed * all_rows) / (cells + borrowed))


def _shrunk(own: Floats, all_rows: Floats, cells: float) -> Floats:
    """Sizes of the errors of a group of steps against the best, with what all steps say about them."""
    own, all_rows = (sizes / max(float(sizes.min()), 1e-300) for sizes in (own, all_rows))
    return blend(own, all_rows, cells, BORROWED_STEPS)
