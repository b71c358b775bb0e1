"""Combinations of keys of `tables` that cannot work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecasting.config.job import Config
    from forecasting.config.sections import SideTable

Said = Iterator[tuple[str, str]]


def table_clashes(c: Config) -> Said:
    """All of them: (dotted key, message). A table may be joined by what the source or a table before it gives."""
    later = {column: name for name, table in c.tables.items() for column in table.columns}
    known, given = {"unique_id", *c.id_columns, *(set(_drivers(c)) - set(later))}, dict[str, str]()
    for name, table in c.tables.items():
        key = f"tables.{name}"
        yield from _dates(key, table)
        for column in table.on:
            if column not in known:
                yield f"{key}.on", _unknown(column, name, later)
        for column in table.columns:
            yield from _column(c, name, column, given)
        known |= set(table.columns)
        given |= dict.fromkeys(table.columns, name)


def _drivers(c: Config) -> dict[str, str]:
    """The columns that play a part, and which; `stock` and `cost` are known after unless said otherwise."""
    alone = (c.columns.cost, c.columns.stock)
    roles = {role: getattr(c.columns, role) for role in ("known_after", "known_ahead", "static")}
    named = {column: role for role, columns in roles.items() for column in columns}
    return {column: "known_after" for column in alone if column} | named


def _dates(key: str, table: SideTable) -> Said:
    if table.ds and table.start:
        yield f"{key}.ds", "a row is about one day or a range of days: name ds, or start (and end), not both"
    if table.end and not table.start:
        yield f"{key}.end", "has no start: name the column of the first day, too"
    if not (table.on or table.dated):
        yield key, "is joined by nothing: name columns under `on`, or a date under `ds` or `start`"
    if not table.columns:
        yield f"{key}.columns", "is empty: name what the table tells, for example columns: {price: price}"
    for column in table.missing:
        if column not in table.columns:
            yield f"{key}.missing.{column}", f"{column} is not in {key}.columns, which are {', '.join(table.columns)}"


def _unknown(column: str, name: str, later: dict[str, str]) -> str:
    """Why a table cannot be joined by a column."""
    if column in ("ds", "y"):
        return f"{column} cannot stand there: a date is named under ds or start"
    if later.get(column) == name:
        return f"{column} comes from this table itself: it is joined by columns that others give"
    if column in later:
        return f"{column} comes from the table {later[column]}, which stands below: put that one above"
    return (
        f"{column} is no column of the panel: it must be unique_id, one of source.columns.unique_id, or stand in "
        "columns.static, columns.known_ahead or columns.known_after"
    )


def _column(c: Config, name: str, column: str, given: dict[str, str]) -> Said:
    key, roles = f"tables.{name}.columns.{column}", _drivers(c)
    if column in ("unique_id", "ds", "y", *c.id_columns):
        yield key, f"{column} is a key or the target, which the source gives: take it out"
    elif column in given:
        yield key, f"{column} comes from the table {given[column]} already: leave it in one of them"
    elif column not in roles:
        yield key, f"{column} plays no part: name it in columns.known_ahead, columns.known_after or columns.static"
    elif roles[column] == "static" and c.tables[name].dated:
        yield key, f"{column} is static and the table is told by date: name it in columns.known_ahead or known_after"
