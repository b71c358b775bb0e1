"""Answers about scenarios, as `answers.read` makes them of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Scenario:
    """A saved scenario in its newest version."""

    name: str
    unique_id: str | None
    where: str | None
    changes: list[str]
    author: str
    time: datetime
    reason: str
    version: int


@dataclass(frozen=True)
class TriedValue:
    """One tried value: sums over the horizon of all series; the interval from `low` to `high` is of 90 %."""

    tried: float
    units: float
    revenue: float | None
    margin: float | None
    gain: float
    low: float
    high: float
    outside: int


@dataclass(frozen=True)
class BestValue:
    """The best value of one series within what it has had."""

    unique_id: str
    tried: float
    gain: float
    low: float
    high: float
    changes: int
    verdict: str


@dataclass(frozen=True)
class SearchResult:
    """What a search found; `sentences` say what is best of one value for all, and what cannot be told."""

    tried: list[TriedValue]
    best: list[BestValue]
    sentences: list[str]


@dataclass(frozen=True)
class ScenarioRow:
    """One period of a series: as planned, with the changes, and the difference; what is not known is None."""

    unique_id: str
    ds: date
    changed: bool
    baseline: float
    mean: float
    difference: float
    source: str | None
    price: float | None
    revenue_difference: float | None
    margin_difference: float | None


@dataclass(frozen=True)
class ScenarioSum:
    """Units, revenue or margin over the changed days or the horizon; `intervals` are bounds of the difference."""

    unique_id: str
    over: str
    measure: str
    baseline: float
    scenario: float
    difference: float
    intervals: dict[str, float]


@dataclass(frozen=True)
class ScenarioResult(Scenario):
    """A saved scenario and what it would do."""

    rows: list[ScenarioRow]
    sums: list[ScenarioSum]
    warnings: list[str]
    cutoff: date | None
