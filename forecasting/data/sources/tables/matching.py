"""Which tables of a source belong together: `match_tables` takes open tables and returns those that have its columns.

Columns are found under the names that files write, and the tables come back with the names of the config. Tables
without any of them are left out with a remark, see `left_out`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forecasting.columns import KEYS, column_name
from forecasting.config import Config
from forecasting.data.sources.column_layout import ColumnLayout, require_header, resolve_layout
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.data.sources.tables.left_out import left_out, named_files
from forecasting.data.sources.tables.spelling import RawTable, spell, with_columns
from forecasting.data.sources.tables.wide import unpivot
from forecasting.remarks import Remark

INFERRED = tuple(map(column_name, KEYS))
"""Names of columns that are found where the config names none."""


@dataclass(frozen=True)
class MatchedTables:
    """The layout of the source, the tables that have its columns, the number of rows in others, and remarks."""

    layout: ColumnLayout
    tables: list[RawTable]
    other_rows: int
    remarks: tuple[Remark, ...]


def match_tables(config: Config, tables: Sequence[RawTable], selected: Mapping[str, str]) -> MatchedTables:
    """The tables that have the columns of the source and the `selected` ones (column -> key that names it).

    Raises UserError when a column is missing, or when tables that look like sales would be left out.
    """
    if not config.source.wide:
        for table in tables:
            if isinstance(table, TextTable):
                require_header(table.file, table.names)
    inferred = INFERRED if config.source.columns is None else ()
    tables = [spell(table, inferred, config) for table in tables]
    layout = resolve_layout(config, tables[0].file, tables[0].names)
    required = _required_columns(layout, selected)
    if config.source.wide:
        tables = [unpivot(config, table, required) for table in tables]
    tables = [spell(table, required, config) for table in tables]
    others = [t for t in tables if set(layout.keys).isdisjoint(t.names)]
    chosen = [t for t in tables if not set(layout.keys).isdisjoint(t.names)]
    chosen = with_columns(config, chosen or tables, required)
    remarks = left_out(config, layout, others, sum(t.rows for t in chosen))
    layout = replace(layout, carried=tuple(selected))
    return MatchedTables(layout, chosen, sum(t.rows for t in others), (*remarks_of(chosen), *remarks))


def _required_columns(layout: ColumnLayout, selected: Mapping[str, str]) -> dict[str, str]:
    """Column that a file must have -> the config key that names it."""
    keys = dict.fromkeys(layout.ids, "source.columns.unique_id")
    keys |= dict.fromkeys(layout.ds_columns, "source.columns.ds")
    return keys | {layout.y: "source.columns.y"} | dict(selected)


def remarks_of(tables: Sequence[RawTable]) -> tuple[Remark, ...]:
    """The remarks on how the files were understood, each with the name of the first file that it is about."""
    files: dict[Remark, list[str]] = {}
    for table in tables:
        for remark in table.remarks:
            files.setdefault(remark, []).append(str(table.file))
    return tuple(
        replace(remark, message=f"{named_files(names[0], len(names))}: {remark.message}")
        for remark, names in files.items()
    )
