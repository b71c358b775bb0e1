"""Numbers of a source: `conclude_numbers` takes cells, returns NumberColumns with a NumberFormat for each column.

What source.format says goes first, then what the cells of a column tell; where they leave a doubt, what earlier loads
concluded, the other columns of the file and its delimiter decide. UserError where all of that leaves two readings, or
where cells contradict each other or earlier loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forecasting.config import Config
from forecasting.data.sources.column_formats.column import Cells, Column, Role, open_column
from forecasting.data.sources.column_formats.faults import contradiction, doubt, other_than_before
from forecasting.data.sources.column_formats.remarks import Conclusion, describe
from forecasting.data.sources.readers.numbers import (
    NumberFormat,
    NumberFormatError,
    decide_decimal,
    decide_unit,
    is_doubtful,
    mark_of,
    same_currency,
)
from forecasting.remarks import Remark


@dataclass(frozen=True)
class NumberColumns:
    """The columns that hold numbers, with their formats; remarks on what was concluded; and the formats to store."""

    formats: Mapping[str, NumberFormat] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    stored: Mapping[str, str] = field(default_factory=dict)

    def joined(self, other: NumberColumns) -> NumberColumns:
        """These columns and those of another part of the source."""
        remarks = tuple(dict.fromkeys((*self.remarks, *other.remarks)))
        return NumberColumns({**self.formats, **other.formats}, remarks, {**self.stored, **other.stored})


def conclude_numbers(
    config: Config, cells: Mapping[str, Cells], roles: Mapping[str, Role], delimiters: set[str]
) -> NumberColumns:
    """The columns of `roles` that hold numbers, by their `cells`; `delimiters` are those of the text files, none for
    tables with types.

    Raises UserError where numbers can be read in two ways.
    """
    opened = [open_column(config, name, cells[name], role) for name, role in roles.items()]
    columns = [column for column in opened if column and column.holds_numbers]
    decided = {column.name: _decided_sign(config, column) for column in columns}
    common = _common_sign(set(decided.values()) - {""}, delimiters)
    every = [_conclude(config, column, decided[column.name], common) for column in columns]
    found = {c.column.name: c for c in every if c.column.stays_number(c.format.decimal)}
    formats = {name: conclusion.format for name, conclusion in found.items()}
    stored = {name: str(f) for name, f in formats.items() if found[name].column.role != "static" and f.tells}
    return NumberColumns(formats, describe(config, list(found.values())), stored)


def _conclude(config: Config, column: Column, decided: str, common: tuple[str, str]) -> Conclusion:
    """The format of a column, by its `decided` sign or the `common` one with the reason for it; raises UserError
    for a doubt.
    """
    if decided or not is_doubtful(column.evidence):
        return Conclusion(column, _format(config, column, decided))
    sign, reason = common
    if not sign and column.role != "static":
        raise doubt(config, column)
    return Conclusion(column, _format(config, column, sign), reason)


def _common_sign(signs: set[str], delimiters: set[str]) -> tuple[str, str]:
    """The decimal sign for a column that tells none, and why: that of all other columns; where none tells one, commas
    between cells leave the point. Both empty where it stays open.
    """
    if signs:
        return (signs.pop(), "as in other columns") if len(signs) == 1 else ("", "")
    return (".", "as commas stand between cells") if delimiters == {","} else ("", "")


def _decided_sign(config: Config, column: Column) -> str:
    """The decimal sign by the config, the cells or earlier loads; empty where none of them tells it."""
    if column.given and column.given.decimal:
        return column.given.decimal
    before = column.before.decimal if column.before else ""
    try:
        decided = decide_decimal(column.evidence)
    except NumberFormatError as error:
        raise contradiction(config, column, error) from None
    if decided and before and decided != before:
        raise other_than_before(config, column, decided)
    return decided or before


def _format(config: Config, column: Column, sign: str) -> NumberFormat:
    """The complete format of a column whose decimal sign is known."""
    given, before, evidence = column.given, column.before or NumberFormat(), column.evidence
    try:
        unit = given.unit if given and given.unit else decide_unit(evidence)
    except NumberFormatError as error:
        raise contradiction(config, column, error) from None
    if not given and unit and before.unit and same_currency(unit) != same_currency(before.unit):
        raise other_than_before(config, column, unit)
    flags = column.role in ("flag", "driver")
    mark = (given and given.mark) or before.mark or mark_of(evidence) if flags else ""
    thousands = max(evidence.thousands, key=lambda s: evidence.thousands[s].cells, default="") or before.thousands
    return NumberFormat(sign, thousands or evidence.doubtful_thousands(sign), unit or before.unit, mark, flags)
