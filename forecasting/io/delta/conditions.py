"""Row filters for Delta tables: {column: value, values or None} as Polars `expressions` or as `sql`.

`sql_same_key` returns the SQL condition of a merge by the key of a Table, with the bounds of the new rows. Values
stand in the SQL as literals, because Delta can skip files by them. Nothing is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl

from forecasting.io.table import Table

Bounds = tuple[dict[str, list[Any]], dict[str, tuple[Any, Any]]]
"""Column -> its values, and column -> its least and greatest value."""


def expressions(equals: Mapping[str, Any]) -> list[pl.Expr]:
    """Polars conditions: a column equals a value, is one of several, or is null (None)."""
    return [_expression(column, value) for column, value in equals.items()]


def _expression(column: str, value: Any) -> pl.Expr:
    if value is None:
        return pl.col(column).is_null()
    return pl.col(column).is_in(list(value)) if _is_collection(value) else pl.col(column) == value


def sql(equals: Mapping[str, Any]) -> str:
    """The same conditions in SQL; with literal values, because Delta can skip files by them."""
    return " AND ".join(sql_condition(f"`{column}`", value) for column, value in equals.items())


def sql_condition(column: str, value: Any) -> str:
    """One condition in SQL; `column` comes quoted."""
    if value is None:
        return f"{column} IS NULL"
    if _is_collection(value):
        return f"{column} IN ({', '.join(sql_literal(v) for v in value)})"
    return f"{column} = {sql_literal(value)}"


def sql_literal(value: Any) -> str:
    """The value as SQL; raises TypeError for anything but text, numbers, booleans and dates."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if type(value) is date:
        return f"DATE '{value}'"
    if isinstance(value, int | float):
        return repr(value).lower()
    raise TypeError(f"a table cannot be filtered by {value!r}: use text, a number, a boolean or a date")


def key_bounds(frame: pl.DataFrame, table: Table) -> Bounds:
    """Bounds that hold for all stored rows with the keys of `frame`: values of partition columns, ranges of dates.

    Only columns that follow from the key count: the key columns, and the bucket (a hash of unique_id).
    """
    from_key = {*table.key, "bucket"} & set(table.schema)
    values = {c: frame[c].unique().sort().to_list() for c in table.partition if c in from_key}
    dates = [c for c in table.key if table.schema[c] == pl.Date and c not in values]
    return values, {c: (frame[c].min(), frame[c].max()) for c in dates}


def sql_same_key(frame: pl.DataFrame, table: Table) -> str:
    """The SQL condition of a merge: target row t has the key of source row s, within the bounds of `frame`."""
    values, ranges = key_bounds(frame, table)
    same = [f"t.`{c}` = s.`{c}`" for c in table.key]
    listed = [sql_condition(f"t.`{c}`", v) for c, v in values.items()]
    spans = [f"t.`{c}` BETWEEN {sql_literal(lo)} AND {sql_literal(hi)}" for c, (lo, hi) in ranges.items()]
    return " AND ".join(same + listed + spans)


def _is_collection(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)
