"""Types for the fields of the config, stricter than Pydantic's: short forms are accepted, mistakes end in a sentence.

Each is an annotation: StrictInt and StrictFloat (no silent conversion), NameList (a name or a list becomes a tuple of
names), NameMap (a name, a list or a mapping becomes a dict), Day, Span (two days), Buckets (number or "auto"),
Encoding (a name that Python knows), Zone (of a time zone). ColumnName is the name of a column, which becomes the one
that it has inside the program; NameList and NameMap hold such names, SeriesOrColumn may also be the program's own
unique_id.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Strict

from forecasting.columns import column_name

DAY_NAMES = {f"{date(2001, 1, i):%a}".lower(): f"{date(2001, 1, i):%A}".lower() for i in range(1, 8)}
MONTH_NAMES = {f"{date(2001, i, 1):%b}".lower(): f"{date(2001, i, 1):%B}".lower() for i in range(1, 13)}
"""Names of weekdays and of months, by their first three letters."""


def _name_list(value: Any) -> Any:
    return () if value is None else (value,) if isinstance(value, str) else value


def _name_map(value: Any) -> Any:
    """`store` and `[store, item]` are short for {store: store, item: item}."""
    return value if isinstance(value, Mapping) else {name: name for name in _name_list(value)}


def _example(value: Any) -> Any:
    """YAML reads 1234.5 as a number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _series_or_column(name: str) -> str:
    return name if name == "unique_id" else column_name(name)


def _day(value: Any) -> Any:
    # Pydantic would take numbers as seconds since 1970
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"must be a date such as 2024-01-31, and it is {value!r}") from None


def _day_names(value: Any) -> Any:
    """`Saturday` and `[SAT, sun]` as the tuples of three letters that the config compares; other words stay."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return names
    every = DAY_NAMES | MONTH_NAMES
    short = {name: name.strip().lower()[:3] for name in names}
    return tuple(short[n] if every.get(short[n], "").startswith(n.strip().lower()) else n for n in names)


def _valid_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone: give a name such as Europe/London or UTC") from None
    return name


def _span(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("must hold the first and the last plausible date, for example [2000-01-01, 2100-01-01]")
    return value


def _buckets(value: Any) -> Any:
    if value != "auto" and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError(f"must be auto or a whole number of 1 or more, and it is {value!r}")
    return value


def _encoding(value: Any) -> Any:
    try:
        return value if value is None else codecs.lookup(value).name
    except (LookupError, TypeError):
        raise ValueError(f"must be an encoding such as cp1251, and it is {value!r}") from None


# Pydantic would take true, "28" and 28.0 for the numbers 1 and 28.
StrictInt = Annotated[int, Strict()]
StrictFloat = Annotated[float, Strict()]
ColumnName = Annotated[str, AfterValidator(column_name)]
SeriesOrColumn = Annotated[str, AfterValidator(_series_or_column)]
NameList = Annotated[tuple[ColumnName, ...], BeforeValidator(_name_list)]
NameMap = Annotated[dict[ColumnName, ColumnName], BeforeValidator(_name_map)]
"""Column names in the panel -> column names in a file."""
KeyList = Annotated[tuple[SeriesOrColumn, ...], BeforeValidator(_name_list)]
KeyMap = Annotated[dict[SeriesOrColumn, ColumnName], BeforeValidator(_name_map)]
"""The same where a series may be meant by its unique_id."""
Example = Annotated[str, BeforeValidator(_example)]
"""A number as it is written in a file."""
Day = Annotated[date, BeforeValidator(_day)]
DayNames = Annotated[tuple[str, ...] | None, BeforeValidator(_day_names)]
"""Weekdays and months; null stays null."""
Buckets = Annotated[int | Literal["auto"], BeforeValidator(_buckets)]
Encoding = Annotated[str, BeforeValidator(_encoding)]
Span = Annotated[tuple[Day, Day], BeforeValidator(_span)]
Zone = Annotated[str, AfterValidator(_valid_zone)]
