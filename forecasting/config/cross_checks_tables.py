"""Checks across the keys of `tables`: `find_table_conflicts` yields (dotted key, message) per conflict of a config.

A part of `cross_checks.find_conflicts`. It sees the config alone: the files of the tables are not opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from forecasting.columns import user_name

if TYPE_CHECKING:
    from forecasting.config.derived import DerivedKeys
    from forecasting.config.sections import SideTable

Conflicts = Iterator[tuple[str, str]]
"""Dotted key, and what is wrong with it."""


def find_table_conflicts(c: DerivedKeys) -> Conflicts:
    """Every combination that cannot work, as (dotted key, message).

    A table can be joined by columns of the source and of the tables above it.
    """
    provider = {column: name for name, table in c.tables.items() for column in table.columns}
    available = {"unique_id", *c.id_columns, *(set(_roles(c)) - set(provider))}
    provided: dict[str, str] = {}
    for name, table in c.tables.items():
        key = f"tables.{name}"
        yield from _check_dates(key, table)
        for column in table.on:
            if column not in available:
                yield f"{key}.on", _not_available(column, name, provider)
        for column in table.columns:
            yield from _check_column(c, name, column, provided)
        available |= set(table.columns)
        provided |= dict.fromkeys(table.columns, name)


def _roles(c: DerivedKeys) -> dict[str, str]:
    """Column -> its role; `stock` and `cost` are known after where no role is given."""
    alone = (c.columns.cost, c.columns.stock)
    roles = {role: getattr(c.columns, role) for role in ("known_after", "known_ahead", "static")}
    named = {column: role for role, columns in roles.items() for column in columns}
    return {column: "known_after" for column in alone if column} | named


def _check_dates(key: str, table: SideTable) -> Conflicts:
    if table.ds and table.start:
        yield f"{key}.ds", "a row is about one day or a range of days: name ds, or start (and end), not both"
    if table.end and not table.start:
        yield f"{key}.end", "has no start: name the column of the first day, too"
    if not (table.on or table.dated):
        yield key, "has nothing to be joined by: name columns under `on`, or a date under `ds` or `start`"
    if not table.columns:
        yield f"{key}.columns", "is empty: name the columns to take from the table, for example columns: {price: price}"
    for column in table.missing:
        if column not in table.columns:
            yield f"{key}.missing.{column}", f"{column} is not in {key}.columns, which are {', '.join(table.columns)}"


def _not_available(column: str, name: str, provider: dict[str, str]) -> str:
    """Why a table cannot be joined by a column."""
    if user_name(column) in ("ds", "y"):
        return f"{column} cannot be used here: a date is named under ds or start"
    if provider.get(column) == name:
        return f"{column} comes from this table itself: name columns that others have"
    if column in provider:
        return f"{column} comes from the table {provider[column]}, which is below: put that one above"
    return (
        f"{column} is not a column of the panel: it must be unique_id, one of source.columns.unique_id, or be in "
        "columns.static, columns.known_ahead or columns.known_after"
    )


def _check_column(c: DerivedKeys, name: str, column: str, provided: dict[str, str]) -> Conflicts:
    key, roles = f"tables.{name}.columns.{column}", _roles(c)
    if column in (*c.id_columns, *(name for names in c.named_columns.values() for name in names)):
        yield key, f"{column} is a key or the target, which comes from the source: take it out"
    elif column in provided:
        yield key, f"{column} comes from the table {provided[column]} already: leave it in one of them"
    elif column not in roles:
        yield key, f"{column} has no role: name it in columns.known_ahead, columns.known_after or columns.static"
    elif roles[column] == "static" and c.tables[name].dated:
        yield key, f"{column} is static, and the table is joined by date: name it in columns.known_ahead or known_after"
