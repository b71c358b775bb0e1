"""Tables that share no column with those of a source: `left_out` takes them and returns a remark for each header.

A table that looks like sales under other names and holds a large share of the rows is refused, not left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.readers.header import Kind, kind_of
from forecasting.data.sources.tables.spelling import RawTable
from forecasting.remarks import Remark

SAMPLE = 100
"""Rows of a table by which the kinds of its columns are recognised."""
LARGEST = 0.1
"""The largest share of the rows in tables that look like sales and are left out."""


@dataclass(frozen=True)
class _Group:
    """Tables with the same header: the first of them, how many they are, and their rows."""

    table: RawTable
    tables: int
    rows: int

    def __str__(self) -> str:
        return named_files(str(self.table.file), self.tables)


def named_files(first: str, files: int) -> str:
    """The first of some files, and how many more they are."""
    return first if files == 1 else f"{first} and {files - 1:,} more files"


def left_out(config: Config, layout: ColumnLayout, others: Sequence[RawTable], rows: int) -> tuple[Remark, ...]:
    """Remarks on `others`, which share no column with the source, whose tables hold `rows` rows.

    Raises UserError when they look like sales under other names and hold a large share of all rows.
    """
    alike = [table for table in others if _looks_like_sales(table)]
    lost = sum(table.rows for table in alike)
    if lost > LARGEST * (rows + lost):
        message = describe_left_out(layout, alike)[0].message
        raise config.fault("source.path", message.replace("are left out", "would be left out"))
    return describe_left_out(layout, others)


def describe_left_out(layout: ColumnLayout, tables: Sequence[RawTable]) -> tuple[Remark, ...]:
    """A remark on each header of tables that are left out, with their rows and, for likely sales, what to write."""
    remarks = []
    for group in _groups(tables):
        names = ", ".join(map(user_name, group.table.names[:12]))
        lost = f"its {group.rows:,} rows are left out"
        if _looks_like_sales(group.table):
            way_out = _way_out(layout, column_kinds_of(group.table))
            message = f"{group} has other columns than the source ({names}): {lost}; {way_out}"
            remarks.append(Remark("files", message, "numbers"))
        else:
            remarks.append(Remark("files", f"{group} is another table (its columns are {names}): {lost}", "none"))
    return tuple(remarks)


def _looks_like_sales(table: RawTable) -> bool:
    """Whether a column holds dates and another one numbers."""
    return {"date", "number"} <= set(column_kinds_of(table).values())


def _groups(tables: Sequence[RawTable]) -> list[_Group]:
    by_header: dict[tuple[str, ...], list[RawTable]] = {}
    for table in tables:
        by_header.setdefault(table.names, []).append(table)
    return [_Group(alike[0], len(alike), sum(t.rows for t in alike)) for alike in by_header.values()]


def column_kinds_of(table: RawTable) -> dict[str, Kind]:
    """Column -> date, number or text, by its first rows; columns without a name or a value are left out."""
    names = [name for name in table.names if name and table.names.count(name) == 1]
    kinds: dict[str, Kind] = {}
    for column in table.head(SAMPLE, names).iter_columns():
        found = [kind_of(cell) for cell in column.drop_nulls().to_list() if cell.strip()]
        if found:
            kinds[column.name] = max(set(found), key=found.count)
    return kinds


def _way_out(layout: ColumnLayout, kinds: dict[str, Kind]) -> str:
    """What to write into the config, with the names of the table where only one column can be meant."""
    dates, numbers = ([name for name, kind in kinds.items() if kind == wanted] for wanted in ("date", "number"))
    example = {layout.ds_columns[0]: dates[:1], layout.y: numbers[:1]}
    aliases = ", ".join(f"{user_name(column)}: [{user_name(names[0])}]" for column, names in example.items())
    return (
        f"if it holds sales, name its columns, source.aliases: {{{aliases}}}; if not, narrow source.path (for example "
        "to sales*.csv), or name the sheets of a workbook in source.sheets"
    )
