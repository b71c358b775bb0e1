"""Checks across keys: `find_conflicts` takes a config and yields (dotted key, message) for what cannot work.

It sees the config alone (no file is opened) and raises nothing. Types of single keys are checked by their declarations
in keys and sections, those of `tables` and `dask` in files of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from forecasting.config.cross_checks_dask import find_dask_conflicts
from forecasting.config.cross_checks_tables import find_table_conflicts
from forecasting.config.keys import BUDGET
from forecasting.config.value_types import DAY_NAMES, MONTH_NAMES

if TYPE_CHECKING:
    from forecasting.config.derived import DerivedKeys

Conflicts = Iterator[tuple[str, str]]
"""Dotted key, and what is wrong with it."""

KEYS = ("unique_id", "ds", "y", "deleted")
"""The keys of source.columns; `deleted` marks rows to delete from the panel."""

RULES = ("repeat_last_year", "same_weekday", "last")
"""The rules by which a known-ahead column continues after its last value."""


def find_conflicts(c: DerivedKeys) -> Conflicts:
    """Every combination of keys that cannot work, as (dotted key, message)."""
    for check in (
        _key_and_target,
        _drivers,
        _roles,
        _future,
        _levers,
        _horizon,
        _interval_levels,
        _aggregation_levels,
        _models,
        _calendar,
        _closed_by,
        find_table_conflicts,
        find_dask_conflicts,
    ):
        yield from check(c)


def _key_and_target(c: DerivedKeys) -> Conflicts:
    named = c.source.columns or {}
    for key in named:
        if key not in KEYS:
            yield f"source.columns.{key}", f"is not a key of source.columns: use {', '.join(KEYS)} only"
    if len(named.get("deleted", ())) > 1 or ("deleted" in named and c.source.kind not in ("table", "sql")):
        yield "source.columns.deleted", "must name one column, of a source of kind table or sql"
    meaning: dict[str, str] = {}
    for key in KEYS:
        for column in named.get(key, ()):
            if column in meaning:
                what = {"y": "the target", "deleted": "the mark of deleted rows"}.get(key, "part of the key")
                yield f"source.columns.{key}", f"{column} is also {meaning[column]}: {what} needs another column"
            meaning[column] = key


def _drivers(c: DerivedKeys) -> Conflicts:
    """A column has one role: key, target or one of known_ahead, known_after, static."""
    named = c.named_columns
    taken = dict.fromkeys(named.get("y", ()), "the target") | dict.fromkeys(named.get("ds", ()), "a key")
    taken |= dict.fromkeys(named.get("deleted", ()), "the mark of deleted rows")
    taken |= dict.fromkeys(() if c.source.columns else named["unique_id"], "a key")
    seen: dict[str, str] = {}
    spelled = {column.lower(): column for column in c.id_columns}
    for role in ("known_ahead", "known_after", "static"):
        for i, column in enumerate(getattr(c.columns, role)):
            key = f"columns.{role}.{i}"
            if column in taken:
                yield key, f"{column} is {taken[column]} and cannot be a driver: take it out"
            if spelled.setdefault(column.lower(), column) != column:
                other = spelled[column.lower()]
                yield key, f"{column} and {other} differ in upper and lower case only: rename one of them in the source"
            if column in seen:
                yield key, f"{column} is also in columns.{seen[column]}: leave it in one of them"
            seen[column] = role


def _roles(c: DerivedKeys) -> Conflicts:
    for role in ("price", "promo", "open"):
        column = getattr(c.columns, role)
        if column and column not in c.columns.known_ahead:
            yield f"columns.{role}", f"{column} must also be in columns.known_ahead: it is needed for coming days"


def _future(c: DerivedKeys) -> Conflicts:
    for column, rule in c.future.items():
        key = f"future.{column}"
        if column not in c.columns.known_ahead:
            listed = ", ".join(c.columns.known_ahead) or "nothing"
            yield key, f"{column} is not in columns.known_ahead, which holds {listed}"
        if isinstance(rule, list | dict):
            yield key, f"{rule!r} is not a rule: use null, {', '.join(RULES)}, a number, or '=text'"
        if isinstance(rule, str) and rule not in RULES and not rule.startswith("="):
            yield key, f"{rule!r} is not a rule: use null, {', '.join(RULES)}, a number, or '=text'"
        if rule == "same_weekday" and c.frequency.unit != "day":
            yield key, f"same_weekday needs days, and freq is {c.freq}: use repeat_last_year or last"


def _levers(c: DerivedKeys) -> Conflicts:
    for i, column in enumerate(c.levers or ()):
        if column not in c.columns.known_ahead:
            yield f"levers.{i}", f"{column} is not one of columns.known_ahead: a plan cannot set what it does not know"


def _horizon(c: DerivedKeys) -> Conflicts:
    if c.blocks is not None and (list(c.blocks) != sorted(set(c.blocks)) or c.blocks[-1:] != (c.h,)):
        yield "blocks", f"must rise and end with h = {c.h}, for example {list(c.frequency.blocks(c.h))}"
    if c.limits.volume and not 0 <= c.limits.volume[0] <= 1 <= c.limits.volume[1]:
        yield "limits.volume", f"{list(c.limits.volume)} must hold a share up to 1, then one from 1, such as [0.5, 2.0]"
    first, last = c.limits.dates
    if first >= last:
        yield "limits.dates", f"{first} must lie before {last}: the first plausible date, then the last"


def _interval_levels(c: DerivedKeys) -> Conflicts:
    if not c.level:
        yield "level", "must hold a percentage, for example [80, 95]"
    for i, level in enumerate(c.level):
        if not 0 < level < 100:
            yield f"level.{i}", f"{level} must be a percentage from 1 to 99"
        if level in c.level[:i]:
            yield f"level.{i}", f"{level} is listed twice: leave one out"


def _aggregation_levels(c: DerivedKeys) -> Conflicts:
    """Only columns that are the same on all days of a series can group series."""
    levels = c.levels_of_aggregation
    if not levels:
        yield "levels_of_aggregation", "must hold at least one level; [[]] is the total alone"
    for i, level in enumerate(levels):
        key = f"levels_of_aggregation.{i}"
        unknown = [column for column in level if column not in c.static_columns]
        if unknown:
            listed = ", ".join(c.static_columns) or "nothing"
            yield key, f"{unknown[0]} is not in columns.static, which holds {listed}: add it, or take the level out"
        if len(set(level)) < len(level) or level in levels[:i]:
            yield key, f"{list(level)} repeats a column or a level: leave one out"


def _closed_by(c: DerivedKeys) -> Conflicts:
    for i, column in enumerate(c.clean.closed_by):
        if column not in ("unique_id", *c.static_columns):
            allowed = ", ".join(("unique_id", *c.static_columns))
            yield f"clean.closed_by.{i}", f"{column} is not the same on all days of a series: name one of {allowed}"


def _models(c: DerivedKeys) -> Conflicts:
    if c.models and c.budget != BUDGET:
        yield "budget", "is for models: auto; a list of models is run whatever it costs: take one of the two out"
    names = [m.name for m in c.models]
    for i, name in enumerate(names):
        if name in names[:i]:
            yield f"models.{i}", f"two models have the name {name}: give this one another `name`"
    if c.models and not any(m.family == "naive" and m.on == "series" and "class" not in m.options for m in c.models):
        yield "models", "the list must hold `ladder`: every model is compared with it"


def _calendar(c: DerivedKeys) -> Conflicts:
    """Places and events follow from static columns only; a payday is a day of the month."""
    calendar = c.calendar
    for key in ("country_column", "region_column"):
        if getattr(calendar, key) not in (None, *c.static_columns):
            yield f"calendar.{key}", f"{getattr(calendar, key)} is not in columns.static: add it there"
    if (calendar.region or calendar.region_column) and not (calendar.country or calendar.country_column):
        yield "calendar", "a region needs its country: add calendar.country, for example DE"
    if calendar.holidays and not (calendar.country or calendar.country_column):
        yield "calendar.holidays", "they are added to those of a country: add calendar.country, for example DE"
    for i, name in enumerate(calendar.closed or ()):
        if name not in DAY_NAMES | MONTH_NAMES:
            yield f"calendar.closed.{i}", f"{name} is neither a weekday nor a month: write them as sat or dec"
        elif name in DAY_NAMES and c.frequency.unit != "day":
            yield f"calendar.closed.{i}", f"{name} is a day, and freq is {c.freq}: name months, or leave it out"
    for i, day in enumerate(calendar.paydays):
        if not 1 <= abs(day) <= 31:
            yield f"calendar.paydays.{i}", f"{day} is not a day of the month: use 1 to 31, or -1 for the last day"
    for name, events in calendar.events.items():
        key = f"calendar.events.{name}"
        if (events.ds is None) == (events.start is None):
            yield key, "name the column of the date: either ds, or start (and end)"
        if events.end and not events.start:
            yield f"{key}.end", "has no start: name the column of the first day, too"
        for column in events.on:
            if column not in c.static_columns:
                yield f"{key}.on", f"{column} is not in columns.static: add it there"
