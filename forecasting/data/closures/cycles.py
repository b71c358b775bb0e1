"""Cycles in which periods can be missing: days of the week, months of the year, every second, third or fourth period.

`cycles_of` takes a Frequency and returns its Cycles. A Cycle numbers the places of its rounds one after the other
(`place`, an expression over `ds`): place // phases is the round (a week, say), place % phases the phase (the weekday).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from forecasting.frequency import Frequency

MONDAY = date(2001, 1, 1)
"""Rounds are counted from here: a Monday, the first day of a month, a quarter and a year."""
WEEKDAYS = tuple(f"{MONDAY + timedelta(days=i):%A}" for i in range(7))
MONTHS = tuple(f"{date(2001, i, 1):%B}" for i in range(1, 13))
WEEK, YEAR = "week", "year"
FORTNIGHT = 14
STRIDES = (2, 3, 4)
"""Every second, third or fourth period: fortnights of weeks, quarters of months. Days have weeks and fortnights."""
DS = pl.col("ds")


@dataclass(frozen=True)
class Cycle:
    """A round of `phases`, and how much it takes to call one of them closed.

    `windows` are spans in rounds that are looked at: a short one finds a rhythm that has changed, a long one a rhythm
    of what is sold rarely. A chance below `improbable` is no chance, and a phase must have been due in `fewest` rounds.
    """

    name: str
    phases: int
    place: pl.Expr
    windows: tuple[int, ...]
    improbable: float
    fewest: int

    @property
    def phase(self) -> pl.Expr:
        """The phase of a period."""
        return self.place % self.phases


def cycles_of(frequency: Frequency) -> tuple[Cycle, ...]:
    """The cycles that periods of this frequency can be missing in."""
    steps = frequency.steps(pl.lit(MONDAY), DS).cast(pl.Int64)
    strides = STRIDES if frequency.days > 1 else (FORTNIGHT,)
    found = [Cycle(f"stride {n}", n, steps, (8, 104 // n), 1e-6, 4) for n in strides]
    if frequency.days == 1:
        found.append(Cycle(WEEK, 7, steps, (8, 104), 1e-6, 4))
    if frequency.days <= 31:
        months = (DS.dt.year().cast(pl.Int64) - MONDAY.year) * 12 + DS.dt.month() - 1
        found.append(Cycle(YEAR, 12, months, (10,), 1e-4, 2))
    return tuple(found)


def named_phases(names: Sequence[str]) -> dict[str, list[int]]:
    """Cycle -> phases of names like sat or dec.

    >>> named_phases(["sat", "dec"])
    {'week': [5], 'year': [11]}
    """
    known = {WEEK: WEEKDAYS, YEAR: MONTHS}
    found = {cycle: [i for i, name in enumerate(full) if name[:3].lower() in names] for cycle, full in known.items()}
    return {cycle: phases for cycle, phases in found.items() if phases}


def phrase(cycle: str, phases: Sequence[int], unit: str) -> str:
    """When: `on Saturdays and Sundays`, `in January to March and December`, `in 1 of 2 weeks`.

    >>> phrase("week", [5, 6], "day"), phrase("stride 2", [1], "week")
    ('on Saturdays and Sundays', 'in 1 of 2 weeks')
    >>> phrase("year", [0, 1, 2, 11], "month")
    'in December to March'
    """
    if cycle == WEEK:
        return f"on {_listed([f'{WEEKDAYS[i]}s' for i in phases])}"
    if cycle == YEAR:
        return f"in {_listed(_runs(sorted(phases), lambda i: MONTHS[i % 12]))}"
    return f"in {len(phases)} of {cycle.removeprefix('stride ')} {unit}s"


def _runs(phases: Sequence[int], name: Callable[[int], str]) -> list[str]:
    """Months in a row as `October to April`, also across the new year."""
    starts = [i for i in phases if (i - 1) % 12 not in phases] or [phases[0]]
    runs = []
    for start in starts:
        n = next((n for n in range(1, 13) if (start + n) % 12 not in phases), 12)
        runs.append(name(start) if n == 1 else f"{name(start)} to {name(start + n - 1)}")
    return runs


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
