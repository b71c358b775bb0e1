"""What the other columns are: `find_drivers` takes rows with the keys of their series, and returns Drivers.

A column that is the same on all days of a series is static; the others are drivers: known ahead where rows after the
last sale have values, or where it is usual to assume them (price, promotion, opening), else known after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from forecasting.data.sources.layouts.transactions.options import COMPUTED
from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.sales import GUESTS
from forecasting.steps.proposal.columns.vocabulary import meaning_of, words_of

SETTLED = 1.5
"""A column with at most so many values per series, on average, is static, and changes now and then."""
MOST_STATIC, MOST_DRIVERS = 8, 8
ROLES = ("price", "cost", "promo", "open", "stock")
ASSUMED: Mapping[str, Any] = {"price": "last", "promo": 0, "open": "same_weekday"}
"""Meaning -> how the column goes on where nothing is known of coming days."""
SERIES, DAY, Y = " series", " ds", " y"
"""Columns of the rows that are looked at, which no file can have."""


@dataclass(frozen=True)
class Drivers:
    """Columns by role, how known-ahead ones continue, and those that are not used, with the reason.

    `roles` maps price, promo, ... to columns.
    """

    static: tuple[str, ...] = ()
    known_ahead: tuple[str, ...] = ()
    known_after: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    future: Mapping[str, Any] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)


def keyed_rows(days: pl.Series, y: pl.Series, profiles: Mapping[str, Profile], keys: Sequence[str]) -> pl.DataFrame:
    """[series, day, y] of the rows of a table that have a day, and the values of all columns."""
    names = [p.values for p in profiles.values() if p.name not in keys]
    series = pl.struct(*keys) if keys else pl.lit(0)
    cells = pl.DataFrame([days.alias(DAY), y.alias(Y), *(profiles[k].cells for k in keys), *names])
    return cells.with_columns(series.alias(SERIES)).drop_nulls(DAY)


def find_drivers(rows: pl.DataFrame, profiles: Mapping[str, Profile], taken: Sequence[str]) -> Drivers:
    """The roles of the columns of `rows` (see keyed_rows) that are not `taken` by date, sales and series."""
    free = [p for p in profiles.values() if p.name not in taken]
    coming = rows.filter(pl.col(DAY) > pl.col(DAY).filter(pl.col(Y).is_not_null()).max())
    static, names = _static(rows, free)
    unused = {p.name: "empty" for p in free if p.kind == "empty"} | names
    unused |= {p.name: "it counts the rows" for p in free if _counts_rows(p)}
    varying = [p for p in free if p.name not in (*static, *unused)]
    known = [p.name for p in varying if coming.height and coming[p.name].count()]
    unused |= {p.name: _why_unused(p) for p in varying if not _may_drive(p) and p.name not in known}
    varying = [p for p in varying if p.name not in unused]
    roles = _roles(rows, varying)
    assumed = {c: ASSUMED[r] for r, c in roles.items() if r in ASSUMED and c not in known}
    ahead = [p.name for p in varying if p.name in known or p.name in assumed]
    after = [p.name for p in varying if p.name not in ahead]
    unused |= dict.fromkeys(after[MOST_DRIVERS:], "there are many columns that are known only afterwards")
    unused |= dict.fromkeys(static[MOST_STATIC:], "there are many columns like it")
    roles = {role: column for role, column in roles.items() if column not in unused}
    return Drivers(tuple(static[:MOST_STATIC]), tuple(ahead), tuple(after[:MOST_DRIVERS]), roles, assumed, unused)


def static_only(drivers: Drivers) -> Drivers:
    """The drivers that single sales can have: what varies from line to line is not added up."""
    varying = (*drivers.known_ahead, *drivers.known_after)
    computed = [c for c in drivers.static if c in COMPUTED]
    unused = {**drivers.unused, **dict.fromkeys((*varying, *computed), "it varies from line to line")}
    return Drivers(static=tuple(c for c in drivers.static if c not in computed), unused=unused)


def _static(rows: pl.DataFrame, free: Sequence[Profile]) -> tuple[list[str], dict[str, str]]:
    """The columns that are the same on all days of a series, and those that only name the series once more."""
    series = rows[SERIES].n_unique()
    static, names = [], {}
    for column in (p for p in free if p.kind in ("text", "number", "flag")):
        pairs = rows.select(pl.struct(SERIES, column.name).filter(pl.col(column.name).is_not_null()).n_unique()).item()
        settled = pairs <= series if column.kind != "text" else pairs <= SETTLED * series
        if not settled:
            continue
        if series == 1 or column.different == 1:
            names[column.name] = "the same everywhere"
        elif column.kind == "text" and column.different == series == pairs:
            names[column.name] = "another name of the series"
        else:
            static.append(column.name)
    return static, names


def _counts_rows(found: Profile) -> bool:
    """Whether a column numbers the rows of its file."""
    return found.kind == "number" and found.whole and bool((found.values.diff().drop_nulls() == 1).all())


def _may_drive(found: Profile) -> bool:
    """Whether a column that varies can be a driver although nothing is known of its coming values."""
    unfit = ("receipt", "code", "moment", "place", "product", "shop", "group")
    fits = meaning_of(found.name) not in unfit or words_of(found.name) in GUESTS
    return found.kind in ("number", "flag") and fits and found.filled > 0


def _why_unused(found: Profile) -> str:
    return "text that changes from row to row" if found.kind == "text" else "a number or date of something else"


def _roles(rows: pl.DataFrame, varying: Sequence[Profile]) -> dict[str, str]:
    """price, cost, promo, open and stock -> the first column that is called so and whose values fit."""
    roles: dict[str, str] = {}
    for column in varying:
        meaning = str(meaning_of(column.name))
        if meaning in ROLES and meaning not in roles and _fits(rows, column, meaning):
            roles[meaning] = column.name
    return roles


def _fits(rows: pl.DataFrame, column: Profile, role: str) -> bool:
    values = column.values.drop_nulls()
    if column.kind not in ("number", "flag") or not len(values):
        return False
    if role == "open":
        closed = rows.filter(pl.col(column.name) == 0)[Y]
        return column.kind == "flag" and not (closed > 0).any()
    if role == "promo":
        return column.kind == "flag" or "discount" not in words_of(column.name)
    return bool((values > 0).sum() > len(values) / 2) if role == "price" else bool((values >= 0).all())
