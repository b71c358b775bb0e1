"""Scenarios as data: words like `price*=0.9` on some days become edits of a cut."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.edits import Edit
from forecasting.errors import UserError

CHANGE = re.compile(r"^\s*([A-Za-z_]\w*)\s*(\*=|\+=|-=|=)\s*(.+?)\s*$")


def edits_of(
    config: Config, changes: Iterable[str], days: tuple[date, date], where: str | None, kinds: dict[str, pl.DataType]
) -> tuple[Edit, ...]:
    """Edits of the known-ahead columns on the days first..last where the SQL condition holds.

    `kinds` are the types of the panel's columns. Raises UserError for a change, a column or a condition that makes no
    sense.
    """
    _check_where(where, kinds)
    return tuple(_edit(config, change, days, where, kinds) for change in changes)


def _edit(config: Config, change: str, days: tuple[date, date], where: str | None, kinds: dict[str, Any]) -> Edit:
    found = CHANGE.match(change)
    if not found:
        raise UserError(f"change {change!r}: must look like price*=0.9, price=4.99, price+=1 or promo=1")
    column, op, text = found.groups()
    ahead = [c for c in config.columns.known_ahead if c in kinds]
    if column not in ahead:
        raise UserError(f"change {change!r}: {column} is not known ahead; a scenario may change {', '.join(ahead)}")
    value = _value(text, op, kinds[column], change)
    if column == config.columns.price and op in ("=", "*=") and isinstance(value, float) and value < 0:
        raise UserError(f"change {change!r}: a price cannot be below 0")
    return Edit(column, op, value, *days, where)  # type: ignore[arg-type]


def _value(text: str, op: str, kind: pl.DataType, change: str) -> float | str:
    if kind == pl.String:
        if op != "=":
            raise UserError(f"change {change!r}: the column holds text, which can only be set with =")
        return text.strip("'\"")
    try:
        return _finite(float(text))
    except ValueError:
        raise UserError(f"change {change!r}: {text} is not a number") from None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError
    return number


def _check_where(where: str | None, kinds: dict[str, pl.DataType]) -> None:
    if where is None:
        return
    try:
        # run it: the schema alone is content to compare text with numbers
        kept = pl.DataFrame(schema=kinds).select(condition(where)).schema
    except pl.exceptions.PolarsError as e:
        reason = str(e).splitlines()[0]
        raise UserError(f"where {where!r}: {reason}; columns are {', '.join(kinds)}") from None
    if list(kept.dtypes()) != [pl.Boolean]:
        raise UserError(f"where {where!r}: must be a condition that is true or false, like store = 'S1'")


def condition(where: str | None) -> pl.Expr:
    """The SQL condition as an expression; None holds everywhere."""
    return pl.lit(value=True) if where is None else pl.sql_expr(where)


def compared(baseline: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """unique_id, ds, baseline, yhat, difference (changed less baseline, in units of y) and the bounds of `changed`."""
    before = baseline.select("unique_id", "ds", baseline="yhat")
    both = changed.join(before, on=["unique_id", "ds"])
    difference = (pl.col("yhat") - pl.col("baseline")).alias("difference")
    bounds = [c for c in changed.columns if c.startswith(("lo-", "hi-"))]
    return both.select("unique_id", "ds", "baseline", "yhat", difference, *bounds).sort("unique_id", "ds")
