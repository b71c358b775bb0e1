"""What the series of a decomposition have in common: Pooled, with the Effects of places by factor and grouping.

`Effects.of_rows` takes the groups and places of rows and returns their effects. Nothing is estimated here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forecasting.planning.decomposition.factors import Shape
from forecasting.planning.decomposition.shrinkage import Expected

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ALL, OWN = "", "series"
"""Groupings: all series together, and each by itself. All others bear the name of a static column."""
PARTS = {"season": ("season", "year"), "holiday": ("holiday", "feast"), "opening": ("opening",)}
"""The factors of each effect."""


def shape_of(factor: str, size: int, spread: float) -> Shape:
    """What the effects of a factor with so many places are like; `spread` is that of the year.

    >>> shape_of("season", 7, 14.0)
    Shape(size=7, anchored=False, spread=0.0, common=True)
    """
    anchored = factor in ("holiday", "feast", "opening")
    return Shape(size, anchored, spread if factor == "year" else 0.0, common=factor != "feast")


@dataclass(frozen=True)
class Effects:
    """Logarithms by group (rows of `values`, by label) and place (columns, by number)."""

    labels: Mapping[str, int]
    places: Ints
    values: Floats

    def of_rows(self, labels: Sequence[str], series: Ints, places: Ints) -> Floats:
        """The effect of each row, of which `series` tells the place of its group's label; 0 where one is unknown."""
        group = np.array([self.labels.get(label, -1) for label in labels], dtype=np.int64)[series]
        at = np.searchsorted(self.places, places).clip(0, len(self.places) - 1)
        known = (self.places[at] == places) & (group >= 0)
        return np.where(known, self.values[group, at], 0.0)


@dataclass(frozen=True)
class Noise:
    """The variance of sales around what is expected of them: `level` * (expected + `spread` * expected^2)."""

    level: float = 1.0
    spread: float = 0.0

    def weights(self, expected: Floats) -> Floats:
        """What a unit sold or missing tells, beside one where little is sold."""
        return 1 / (1 + self.spread * expected)

    def variance(self, expected: Floats) -> Floats:
        """The variance of the sales of a row, in units of y squared."""
        return self.level * (expected + self.spread * expected**2)


@dataclass(frozen=True)
class Pooled:
    """`effects` by factor and grouping; `own`, the variance of single series' effects around them by factor;
    `expected`, what to expect of a series' trend, price and promo coefficients; `recent`, the variance of the newest
    level around the trend.
    """

    effects: Mapping[tuple[str, str], Effects] = field(default_factory=dict)
    own: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, Expected] = field(default_factory=dict)
    recent: float = 0.0
    noise: Noise = Noise()
