"""Cost model: what models cost on a panel, in units of one second of a processor on the machine of costs.json.

`stats_units` takes the name of a model and Facts, `Boosters.units` Facts; both return units for one window: fit and
forecast. No clock is read: coefficients come from costs.json, which `make cost-model` measures anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, inf, log
from pathlib import Path
from typing import Any

from forecasting.models.lightgbm.boosters import count_parts
from forecasting.models.lightgbm.options import count_trees
from forecasting.recipe.facts import Facts

COSTS = Path(__file__).with_name("costs.json")


@cache
def coefficients() -> Mapping[str, Any]:
    """The content of costs.json: `stats` {model: {season: [[length, units of a series], ...]}}, `lightgbm` {term: units
    of one}.
    """
    found: dict[str, Any] = json.loads(COSTS.read_text(encoding="utf-8"))
    return found


def stats_units(model: str, facts: Facts, periods: float = inf) -> float:
    """Units of a statistical model on all series, of which so many periods at most are used."""
    by_season = coefficients()["stats"][model]
    season = min(by_season, key=lambda known: (abs(log(int(known) / facts.season)), int(known)))
    units = [interpolate(by_season[season], min(length, periods)) for length in facts.lengths]
    return facts.series * sum(units) / len(units)


def interpolate(points: Sequence[Sequence[float]], length: float) -> float:
    """Units of a series of this length, on a line through the measured points in logarithms.

    Shorter series than were measured cost as much as the shortest; beside a single point, costs grow with the length.

    >>> interpolate([[10, 1.0], [100, 10.0]], 50), interpolate([[10, 1.0], [100, 10.0]], 1000)
    (5.0, 100.0)
    """
    if len(points) == 1:
        return points[0][1] * max(1.0, length / points[0][0])
    at = next((i for i, (n, _) in enumerate(points[1:-1], start=1) if length <= n), len(points) - 1)
    (n0, u0), (n1, u1) = points[at - 1], points[at]
    slope = (log(u1) - log(u0)) / (log(n1) - log(n0))
    return round(exp(log(u0) + slope * (log(max(length, n0)) - log(n0))), 12)


@dataclass(frozen=True)
class Boosters:
    """LightGBM with these options: how many blocks and heads, and the training rows by years and at most."""

    blocks: int
    years: float
    rows: int
    heads: int = 1

    def terms(self, facts: Facts) -> dict[str, float]:
        """How often each thing is done that costs something."""
        recent = facts.recent[min(facts.recent, key=lambda years: abs(years - self.years))]
        rows, coming = min(recent, self.rows), facts.series * facts.h
        cells = facts.cells * min(1.0, self.rows / max(recent, 1)) + coming
        heads, blocks, trees, wide = self.heads, self.blocks, count_trees(recent), facts.features
        parts = count_parts(rows, trees)
        return {
            "fit": heads,
            "panel": (facts.cells + coming) * wide,
            "features": cells * wide * blocks,
            "bins": rows * wide * blocks,
            "grown": rows / parts * blocks * trees * heads,
            "splits": rows / parts * wide * blocks * trees * heads,
            "evaluated": rows * (1 - 1 / parts) / 2 * blocks * trees * heads,
            "trees": blocks * trees * heads,
            "forecasts": coming * trees * heads,
        }

    def units(self, facts: Facts) -> float:
        """Units of all heads together."""
        known = coefficients()["lightgbm"]
        return float(sum(known[name] * number for name, number in self.terms(facts).items())) if self.heads else 0.0
