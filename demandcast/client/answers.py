"""What the REST API answers with, as dataclasses: `read(kind, value)` makes one of parsed JSON.

Fields that a newer server adds are left out. Needs the standard library only.
"""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True)
class Interval:
    """Bounds between which a value lies with a probability of `level` percent."""

    level: int
    lo: float | None
    hi: float | None


@dataclass(frozen=True)
class ForecastRow:
    """The forecast of one series in one period, in units of the target."""

    unique_id: str
    ds: date
    mean: float
    median: float | None
    bounds: list[Interval]
    source: str
    fallback: bool
    price: float | None
    revenue: float | None


@dataclass(frozen=True)
class Prediction(ForecastRow):
    """The forecast of one series in one period, and what made it; `answered_by` is champion or challenger."""

    cutoff: date
    version: int
    model: str
    answered_by: str


@dataclass(frozen=True)
class Forecasts:
    """Forecast rows, by series and day."""

    cutoff: date
    version: int
    model: str
    rows: list[ForecastRow]
    warnings: list[str]


@dataclass(frozen=True)
class Job:
    """Work in the background; `state` is waiting, running, done, failed or cancelled."""

    id: str
    operation: str
    state: str
    done: int
    parts: int
    detail: str
    created: datetime
    ended: datetime | None
    result: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is done about it."""
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Series:
    """One series and what was observed of it."""

    unique_id: str
    first: date | None
    last: date | None
    observations: int
    mean: float | None
    demand_class: str | None
    columns: dict[str, Any]


@dataclass(frozen=True)
class SeriesPage:
    """A part of the series that were found."""

    total: int
    offset: int
    next: int | None
    items: list[Series]


@dataclass(frozen=True)
class ModelVersion:
    """One training."""

    version: int
    aliases: list[str]
    served: bool
    model: str | None
    cutoff: str | None
    gate: str | None
    recipe: str | None
    data_version: str | None
    created: datetime
    run_id: str | None


@dataclass(frozen=True)
class Status:
    """The state of the job."""

    config: str
    freq: str
    h: int
    series: int
    load: int | None
    through: date | None
    last_run: datetime | None
    cutoff: date | None
    version: int | None
    champion: str | None
    published_at: datetime | None


def read(kind: type[T], value: Any) -> T:
    """`value`, parsed JSON, as `kind`: a dataclass, a list of some, a date, or what JSON has itself."""
    read_value: T = _read(kind, value)
    return read_value


def _read(kind: Any, value: Any) -> Any:
    if value is None or kind is Any:
        return value
    if get_origin(kind) in (Union, types.UnionType):
        return _read(next(part for part in get_args(kind) if part is not type(None)), value)
    if get_origin(kind) is list:
        return [_read(get_args(kind)[0], item) for item in value]
    if kind in (date, datetime):
        return kind.fromisoformat(value)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return kind(**{name: _read(hint, value[name]) for name, hint in _hints(kind).items()})
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
