"""The place of each period in time: `Calendar.of` takes a Frequency and a number of periods, and numbers them.

It also gives the trend and the waves of the year that a series may have of its own, as columns by period with the
variances that are expected of their coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.frequency import Frequency
from forecasting.planning.response.estimator.arrays import Floats, Ints

TREND, SEASON = 0.3, 0.15
"""Standard deviations of a unit's own trend (log, a year) and of a wave of its own year, beyond those of its groups."""
WAVES = 2
FREE = 1e6
"""The variance of a coefficient that is not shrunk."""


@dataclass(frozen=True)
class Calendar:
    """By period: the number of its `span` (a week of days, else the period), its `phase` in the week, and `years` since
    the first; `per_span` is how many periods a span has.
    """

    span: Ints
    phase: Ints
    years: Floats
    per_span: int

    @classmethod
    def of(cls, frequency: Frequency, periods: int) -> Calendar:
        """The calendar of so many periods, one after the other."""
        number = np.arange(periods)
        per_span = frequency.season if frequency.days == 1 else 1
        return cls(number // per_span, number % per_span, number / frequency.year, per_span)

    def waves(self) -> tuple[Floats, Floats]:
        """A level, a trend and waves of the year (periods x columns), and the variances of their coefficients."""
        span = self.years - self.years.mean()
        columns, variances = [np.ones_like(span), span], [FREE, TREND**2]
        for wave in range(1, WAVES + 1):
            angle = 2 * np.pi * wave * self.years
            columns += [np.cos(angle), np.sin(angle)]
            variances += [SEASON**2] * 2
        return np.stack(columns, axis=-1), np.array(variances)
