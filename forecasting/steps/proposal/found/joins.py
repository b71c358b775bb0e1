"""Tables that are joined to the sales: `find_joins` takes other tables and the keys of the series, and returns Joins.

A table is joined by the columns that it has in common with the series, and by day where it has dates, if it has one row
for each of these. Its other columns become static without dates; with dates they are known ahead where they reach
beyond the last sale, else known after.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath
from typing import Any

import polars as pl

from forecasting.data.sources.readers.header import fold_name
from forecasting.io.storage import path_kind
from forecasting.steps.proposal.columns.dates import DateChoice, find_date
from forecasting.steps.proposal.columns.drivers import MOST_DRIVERS, MOST_STATIC
from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.vocabulary import words_of
from forecasting.steps.proposal.found.sampling import bare_config
from forecasting.steps.proposal.found.tables import Table

Keys = Mapping[str, str]
"""Columns of the sales that are the same on all days of a series -> their names in the panel."""
SINCE = r"\b(valid|from|since|start\w*|begin\w*|g[uü]ltig|ab|von|effective|desde|depuis)\b"
UNTIL = r"\b(to|until|till|end\w*|bis|hasta|jusqu\w*|through)\b"
"""Words of columns of the first and the last day on which a row holds."""
MATCHED = 0.5
"""The least share of values of the sales that a table must have to be joined."""


@dataclass(frozen=True)
class Joins:
    """The section `tables`, the columns that they bring by role, and the files that are not joined."""

    tables: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    known_ahead: tuple[str, ...] = ()
    known_after: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def find_joins(others: Sequence[Table], sales: Mapping[str, Profile], keys: Keys, last: date) -> Joins:
    """The tables among `others` that can be joined to sales with these keys, the last of which is on a day."""
    taken = set(map(fold_name, sales))
    roles: dict[str, list[str]] = {"static": [], "known_ahead": [], "known_after": []}
    tables: dict[str, dict[str, Any]] = {}
    left: list[str] = []
    for table in others:
        found = _join(table, sales, keys, taken, last) if len(table.files) == 1 else None
        if not found:
            left += table.files
            continue
        section, role = found
        tables[PurePath(table.files[0]).name.split(".")[0]] = section
        roles[role] += section["columns"]
        taken |= set(map(fold_name, section["columns"]))
    static, ahead, after = (tuple(columns) for columns in roles.values())
    return Joins(tables, static, ahead, after, tuple(left))


def _join(
    table: Table, sales: Mapping[str, Profile], keys: Keys, taken: set[str], last: date
) -> tuple[dict[str, Any], str] | None:
    """How a table is joined, and the role of its columns; None where it cannot be."""
    names = {fold_name(name): name for name in table.profiles}
    on = {key: names[fold_name(key)] for key in keys if fold_name(key) in names}
    dates = find_date(table.profiles, bare_config(table.files[0]))
    if (not on and not dates) or (dates and len(dates.columns) > 1) or not _is_plain(table.files[0]):
        return None
    by = [table.profiles[c].cells.alias(f" {c}") for c in on.values()] + ([dates.days.alias(" ds")] if dates else [])
    unique = pl.DataFrame(by).is_duplicated().any()
    used = {*on.values(), *(dates.columns if dates else ()), *(dates.others if dates else ())}
    fit = [p for p in table.profiles.values() if p.name not in used and fold_name(p.name) not in taken]
    texts = ("text",) if not dates else ()
    columns = [p.name for p in fit if p.kind in ("number", "flag", *texts)]
    if unique or not columns or not all(_match(sales[key], table.profiles[name]) for key, name in on.items()):
        return None
    section: dict[str, Any] = {"path": table.files[0]}
    panel = {keys[key]: name for key, name in on.items()}
    section |= {"on": list(panel) if all(k == n for k, n in panel.items()) else panel} if panel else {}
    if not dates:
        return section | {"columns": columns[:MOST_STATIC]}, "static"
    section |= _days(dates) | {"columns": columns[:MOST_DRIVERS]}
    return section, "known_ahead" if "start" in section or (dates.days > last).any() else "known_after"


def _days(dates: DateChoice) -> dict[str, str]:
    """The keys for the day of a row, or for the days from which, and until which, it holds."""
    first = dates.columns[0]
    if not re.search(SINCE, words_of(first)):
        return {"ds": first}
    ends = [c for c in dates.others if re.search(UNTIL, words_of(c))]
    return {"start": first} | ({"end": ends[0]} if ends else {})


def _is_plain(file: str) -> bool:
    """Whether a file can be named as the path of a table: a sheet of a workbook cannot."""
    return path_kind(file) == "file"


def _match(sales: Profile, other: Profile) -> bool:
    """Whether most values of a column of the sales are there in the table."""
    ours, theirs = (set(p.cells.cast(pl.String, strict=False).drop_nulls().unique()) for p in (sales, other))
    return len(ours & theirs) >= MATCHED * len(ours)
