"""What a config asks of a recipe, and how its budget is shared: Constraints."""

from __future__ import annotations

from dataclasses import dataclass

BOOSTERS, STATS, TRIAL = 0.2, 0.75, 0.04
"""Shares of the budget for boosters and for statistical models in all windows, and for a trial of the dear ones."""


@dataclass(frozen=True)
class Constraints:
    """The budget, and perhaps blocks and a number of calibration windows."""

    budget: float
    blocks: tuple[int, ...] | None = None
    calibration: int | None = None

    @property
    def boosters(self) -> float:
        """Units for boosters in all windows."""
        return BOOSTERS * self.budget

    @property
    def stats(self) -> float:
        """Units for statistical models in all windows."""
        return STATS * self.budget

    @property
    def trial(self) -> float:
        """Units for a trial."""
        return TRIAL * self.budget
