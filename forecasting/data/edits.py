"""Edits of a scenario (changes of known-ahead columns on coming days): `parse_edit` from text, `format_edit` to text.

    price*=0.9@2016-05-23:2016-05-29
    event='Easter fair'@2016-05-23:2016-05-23 where store = 'S1'
    "price = cost"=1@2016-05-23:2016-05-23

Column, operator, value, first and last day, and perhaps an SQL condition over the panel's columns. `parse_edit` returns
an Edit, whose `expr` is the edited column. Command line, pages and API read and write this text only here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias, get_args

import polars as pl

Operator: TypeAlias = Literal["=", "*=", "+=", "-="]

_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
_COLUMN = r"[^\s=*+@'\"](?:[^=*+@'\"]*?[^\s=*+@'\"/-])?"
_CHANGE = re.compile(
    rf"\s*(?:\"(?P<odd>(?:[^\"]|\"\")+)\"|(?P<column>{_COLUMN}))\s*(?P<op>\*=|\+=|-=|=)\s*(?P<value>{_QUOTED}|.*?)\s*",
    re.S,
)
_EDIT = re.compile(
    rf"(?P<change>[^'\"]*?(?:{_QUOTED})|.*?)\s*@\s*(?P<start>\d{{4}}-\d\d-\d\d)\s*:\s*(?P<end>\d{{4}}-\d\d-\d\d)"
    r"\s*(?:\swhere\s+(?P<where>\S.*))?",
    re.S,
)
_BARE = re.compile(r"[^\W\d][\w.:/%-]*(?: [\w.:/%-]+)*")
"""Texts that need no quotes: words that no number, operator or day can be mistaken for."""


@dataclass(frozen=True)
class Edit:
    """One change of a scenario: `column` `op` `value` on the future days start..end where the SQL condition holds."""

    column: str
    op: Operator
    value: float | str
    start: date
    end: date
    where: str | None = None

    def expr(self, kind: pl.DataType) -> pl.Expr:
        """The edited column as `kind`."""
        now = pl.col(self.column)
        changed = {
            "=": lambda: pl.lit(self.value),
            "*=": lambda: now * self.value,
            "+=": lambda: now + self.value,
            "-=": lambda: now - self.value,
        }[self.op]()
        return pl.when(self.reaches()).then(changed.cast(kind)).otherwise(now).alias(self.column)

    def reaches(self) -> pl.Expr:
        """Whether a row is one of those that the edit is about."""
        here = pl.col("ds").is_between(self.start, self.end)
        return here & pl.sql_expr(self.where) if self.where else here


@dataclass(frozen=True)
class CellEdit(Edit):
    """Values of one column for single series and days: `cells` [unique_id, ds, value], of which no value is null.

    One edit for any number of cells, where an Edit each would be a pass over all rows each. It knows its series, so
    `where` does not count.
    """

    cells: pl.DataFrame = field(default_factory=pl.DataFrame, compare=False, repr=False)

    @classmethod
    def of(cls, column: str, cells: pl.DataFrame) -> CellEdit:
        """The edit that sets a column in `cells`, of which there is at least one."""
        start, end = cells.select(first=pl.col("ds").min(), last=pl.col("ds").max()).row(0)
        return cls(column, "=", "", start, end, None, cells)

    def expr(self, kind: pl.DataType) -> pl.Expr:
        """The edited column as `kind`."""
        values = self.cells["value"].cast(kind)
        new = _cell().replace_strict(self._keys, values, default=None, return_dtype=kind)
        return pl.coalesce(new, pl.col(self.column)).alias(self.column)

    def reaches(self) -> pl.Expr:
        """Whether a row is one of the cells."""
        return _cell().is_in(self._keys.implode())

    @property
    def _keys(self) -> pl.Series:
        return self.cells.select(_cell()).to_series()


def _cell() -> pl.Expr:
    """Series and day as one text; the day comes first, so that no two cells are the same text."""
    return pl.format("{}/{}", pl.col("ds"), pl.col("unique_id"))


def parse_edit(text: str) -> Edit:
    """The edit that a line of the grammar describes; raises ValueError when it describes none.

    >>> parse_edit("price*=0.9@2016-05-23:2016-05-29")  # doctest: +ELLIPSIS
    Edit(column='price', op='*=', value=0.9, start=..., end=..., where=None)
    """
    found = _EDIT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no edit: it must look like price*=0.9@2016-05-23:2016-05-29")
    start, end = date.fromisoformat(found["start"]), date.fromisoformat(found["end"])
    where = found["where"]
    return parse_change(found["change"], start, end, where.strip() if where else None)


def parse_change(text: str, start: date, end: date, where: str | None = None) -> Edit:
    """The edit of a text like `price*=0.9` on the days start..end; raises ValueError when it describes none."""
    found = _CHANGE.fullmatch(text)
    if not found or not found["value"]:
        raise ValueError(f"change {text!r}: must look like price*=0.9, price=4.99, price+=1 or promo=1")
    if end < start:
        raise ValueError(f"change {text!r}: the last day {end} lies before the first, {start}")
    op = next(name for name in get_args(Operator) if name == found["op"])
    column = found["column"] or found["odd"].replace('""', '"')
    return Edit(column, op, _parse_value(text, op, found["value"]), start, end, where)


def format_edit(edit: Edit) -> str:
    """The line that `parse_edit` reads back as the same edit.

    >>> format_edit(Edit("event", "=", "fair", date(2016, 5, 23), date(2016, 5, 23), "store = 'S1'"))
    "event=fair@2016-05-23:2016-05-23 where store = 'S1'"
    """
    condition = f" where {edit.where}" if edit.where else ""
    return f"{format_change(edit)}@{edit.start}:{edit.end}{condition}"


def format_change(edit: Edit) -> str:
    """Column, operator and value of an edit, as in `price*=0.9`."""
    value = edit.value if isinstance(edit.value, str) else format_number(edit.value)
    if isinstance(edit.value, str) and not _BARE.fullmatch(edit.value):
        value = "'" + edit.value.replace("'", "''") + "'"
    plain = re.fullmatch(_COLUMN, edit.column)
    column = edit.column if plain else '"' + edit.column.replace('"', '""') + '"'
    return f"{column}{edit.op}{value}"


def format_number(number: float) -> str:
    """The shortest text that is read back as the same number.

    >>> format_number(4.0), format_number(0.1), format_number(123456.789)
    ('4', '0.1', '123456.789')
    """
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def _parse_value(change: str, op: Operator, text: str) -> float | str:
    """A number, or a text where one is set; texts like 007 stay as they are, a numeric column will read them."""
    if text[0] in "'\"" and len(text) > 1 and text[-1] == text[0]:
        value: float | str = text[1:-1].replace(text[0] * 2, text[0])
    else:
        number = parse_number(text)
        value = text if number is None or (op == "=" and format_number(number) != text) else number
    if op != "=" and isinstance(value, str):
        raise ValueError(f"change {change!r}: {text} is not a number, and a text can only be set with =")
    return value


def parse_number(text: str) -> float | None:
    """The finite number that a text is, or None.

    >>> parse_number("4.90"), parse_number("cheap"), parse_number("inf")
    (4.9, None, None)
    """
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
