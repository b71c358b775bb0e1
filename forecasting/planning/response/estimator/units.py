"""Units: the series that share their levers, such as an item that has one price in all stores.

`find_units` takes Observed and the groups of series and returns the unit of each series; `unit_groups` and
`series_groups` return the groups over which the effects of units, and the differences between their series, are pooled,
which Groups numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from forecasting.planning.response.estimator.arrays import Cells, Ints, Observed
from forecasting.planning.response.estimator.controls import OWN_VARIATION, own_variation

LARGEST_SHARE = 0.8
"""A static column with more groups than this share of what it groups says nothing about what is alike."""
MOST_GROUPS = 300
"""The pooling solves equations in the groups of all columns: those with the most are left out, up to this number."""
FREE, FIXED = 1e-9, 1e9
"""Precision of a mean that is learned, and of one that is 0."""


def find_units(seen: Observed, codes: Mapping[str, Ints], span: Ints) -> Ints:
    """The unit of each series, numbered from 0: a static column whose series move their levers together, or each series
    alone.

    >>> import polars as pl
    >>> levers = np.array([[[-1.0], [-1.0], [1.0], [1.0]], [[1.0], [1.0], [-1.0], [-1.0]]])
    >>> seen = Observed(pl.Series(["S1/A", "S2/A", "S1/B", "S2/B"]), np.ones((2, 4)), levers, np.ones((2, 4)))
    >>> item, store = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> find_units(seen, {"store": store, "item": item}, np.array([0, 1])).tolist()
    [0, 0, 1, 1]
    """
    series = seen.y.shape[1]
    best, found = OWN_VARIATION, np.arange(series)
    for code in codes.values():
        if 1 < code.max() + 1 < series:
            share = float(np.mean(own_variation(seen, Cells(code, span))))
            if share < best:
                best, found = share, code
    return found


def unit_groups(codes: Mapping[str, Ints], unit: Ints) -> dict[str, Ints]:
    """The static columns that are the same within every unit, by unit, but for those with about a group per unit."""
    member = _member_of_each(unit)
    return _affordable({name: code[member] for name, code in codes.items() if (code == code[member][unit]).all()})


def series_groups(codes: Mapping[str, Ints], unit: Ints) -> dict[str, Ints]:
    """The static columns that differ within units, by series."""
    member = _member_of_each(unit)
    return _affordable({name: code for name, code in codes.items() if not (code == code[member][unit]).all()})


def _member_of_each(unit: Ints) -> Ints:
    """The place of one series of each unit, by unit; units are numbered from 0."""
    member = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    member[unit] = np.arange(len(unit))
    return member


def _affordable(codes: Mapping[str, Ints]) -> dict[str, Ints]:
    """The columns whose groups have enough members for their means to say something, those with few groups first, each
    numbered from 0; no two with the same groups.
    """
    kept: dict[str, Ints] = {}
    numbered = {
        name: np.asarray(np.unique(code, return_inverse=True)[1], dtype=np.int64) for name, code in codes.items()
    }
    for name, code in sorted(numbered.items(), key=lambda item: int(item[1].max())):
        groups = int(code.max()) + 1
        total = groups + sum(int(other.max()) + 1 for other in kept.values())
        known = any((code == other).all() for other in kept.values())
        if 1 < groups <= LARGEST_SHARE * len(code) and total <= MOST_GROUPS and not known:
            kept[name] = code
    return kept


@dataclass(frozen=True)
class Groups:
    """The groups of each unit: `index` is units x factors, numbers of coefficients; `sizes` how many each factor has.

    The first factor is the mean of all units, which is FREE or FIXED.
    """

    index: Ints
    sizes: tuple[int, ...]
    mean: float

    @classmethod
    def of(cls, units: int, codes: Sequence[Ints], mean: float = FREE) -> Groups:
        """The groups of units by codes, one array per factor, each numbered from 0."""
        sizes = (1, *(int(code.max()) + 1 for code in codes))
        moved = (code + start for code, start in zip(codes, np.cumsum(sizes), strict=False))
        return cls(np.stack([np.zeros(units, np.int64), *moved], axis=1), sizes, mean)

    @property
    def count(self) -> int:
        """How many coefficients there are."""
        return sum(self.sizes)

    @cached_property
    def members(self) -> sparse.csr_matrix:
        """1 where a unit has a coefficient: units x coefficients."""
        units, factors = self.index.shape
        place = np.repeat(np.arange(units), factors), self.index.ravel()
        return sparse.csr_matrix((np.ones(self.index.size), place), shape=(units, self.count))

    @cached_property
    def pairs(self) -> sparse.csr_matrix:
        """1 where a unit has both of two coefficients: (coefficients x coefficients) x units."""
        units, factors = self.index.shape
        first, second = np.repeat(self.index, factors, axis=1), np.tile(self.index, factors)
        place = (first * self.count + second).ravel(), np.repeat(np.arange(units), factors**2)
        return sparse.csr_matrix((np.ones(place[0].size), place), shape=(self.count**2, units))

    def parts(self) -> list[slice]:
        """The coefficients of each factor."""
        ends = np.cumsum(self.sizes)
        return [slice(int(end - size), int(end)) for end, size in zip(ends, self.sizes, strict=True)]
