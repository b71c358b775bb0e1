"""Answers about what is behind forecasts, about levers and past events, as `answers.read` makes them of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Told:
    """An answer that `sentence` says of all its rows together; `warnings` say on what it rests."""

    sentence: str
    warnings: list[str]


@dataclass(frozen=True)
class ExplainedRow:
    """The forecast of one series in one period and what it is made of: `components` add up to the mean."""

    unique_id: str
    ds: date
    mean: float
    components: dict[str, float]
    model_price: float | None
    model_promotion: float | None
    first_price: float | None


@dataclass(frozen=True)
class Explanations(Told):
    """What is behind published forecasts."""

    rows: list[ExplainedRow]


@dataclass(frozen=True)
class ChangedRow:
    """The forecast of one series in one period in two vintages; `steps` add up to the difference."""

    unique_id: str
    ds: date
    before: float
    steps: dict[str, float]
    after: float


@dataclass(frozen=True)
class Changes(Told):
    """Why forecasts are others than in the vintage before."""

    rows: list[ChangedRow]


@dataclass(frozen=True)
class InputRow:
    """What one input of the trees of a model adds to the forecast of one series in one period."""

    unique_id: str
    ds: date
    model: str
    input: str
    units: float
    what: str


@dataclass(frozen=True)
class Inputs:
    """What the inputs of trees add, the largest of each row first."""

    rows: list[InputRow]


@dataclass(frozen=True)
class Effect:
    """How sales respond to a lever; the interval from `lo` to `hi` is of 90 %."""

    lever: str
    measure: str
    unique_id: str
    estimate: float | None
    lo: float | None
    hi: float | None
    timing: float | None
    doubt: str | None


@dataclass(frozen=True)
class GroupEffect(Effect):
    """How the sales of a group respond to a lever."""

    grain: str


@dataclass(frozen=True)
class SeriesEffect(Effect):
    """How the sales of a series respond to a lever, and what the lever was seen to be."""

    changes: int | None
    low: float | None
    high: float | None
    last: float | None


@dataclass(frozen=True)
class SeriesEffects:
    """A page of the effects of series."""

    total: int
    offset: int
    next: int | None
    items: list[SeriesEffect]


@dataclass(frozen=True)
class Levers:
    """How sales respond to price, promotion and other levers."""

    groups: list[GroupEffect]
    series: SeriesEffects


@dataclass(frozen=True)
class PastEvent:
    """One past promotion or change of price; the interval from `low` to `high` is that of the uplift, of 90 %."""

    unique_id: str
    kind: str
    start: date
    end: date
    periods: int
    price_before: float | None
    price: float | None
    sold: float
    baseline: float | None
    uplift: float | None
    low: float | None
    high: float | None
    share: float | None
    dip: float | None
    halo: float | None
    others: int | None
    net: float | None
    revenue: float | None
    margin: float | None


@dataclass(frozen=True)
class Events(Told):
    """What past promotions and changes of price are associated with."""

    items: list[PastEvent]
