"""Raw rows of tables: `load_tables` and `read_rows` take a config and open tables and return RawData.

`load_tables` reads the drivers of the config, `read_rows` the columns of a ColumnSelection. Empty lines, footers and
files that are other tables are dropped and counted; rows with a bad cell stay and are marked with a fault. With a
`shelf` large tables are read part by part, and the rows come back in portions of series that lie on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import MEMORY, Shelf, Sorting
from forecasting.data.sources.column_layout import ColumnSelection
from forecasting.data.sources.driver_columns import numeric_drivers, source_drivers
from forecasting.data.sources.periods.far_dates import mark_far_dates
from forecasting.data.sources.periods.finer_rows import MOMENT, sum_finer_rows
from forecasting.data.sources.raw_data import DELETED, KEYS, TAGS, RawData
from forecasting.data.sources.readers.original_rows import row_reader
from forecasting.data.sources.table_rows.stack_reading import Reading, read_stack
from forecasting.data.sources.table_rows.stacks import stacks_of
from forecasting.data.sources.tables.closing_rows import drop_total_series, drop_undated, undated_remarks
from forecasting.data.sources.tables.matching import match_tables
from forecasting.data.sources.tables.spelling import RawTable

NOT_DELETED = ("", "0", "0.0", "false", "no", "n")
"""Values of a `deleted` column that keep the row; so does null."""


def load_tables(config: Config, tables: Sequence[RawTable], shelf: Shelf = MEMORY) -> RawData:
    """The rows of open tables with the drivers of the config, and the column DELETED where the config names one.

    Raises UserError when a column is missing or cells cannot be understood.
    """
    marks = dict.fromkeys((config.source.columns or {}).get("deleted", ()), "source.columns.deleted")
    selection = ColumnSelection(source_drivers(config) | marks, frozenset(numeric_drivers(config)))
    raw = read_rows(config, tables, selection, shelf)
    return replace(raw, rows=raw.rows.each(partial(_with_mark, mark=next(iter(marks))))) if marks else raw


def _with_mark(rows: pl.LazyFrame, mark: str) -> pl.LazyFrame:
    """The rows with DELETED in place of the column that says so; what is deleted has no y."""
    deleted = ~pl.col(mark).cast(pl.String).str.to_lowercase().is_in(NOT_DELETED).fill_null(value=True)
    marked = rows.with_columns(deleted.alias(DELETED)).drop(mark)
    return marked.with_columns(y=pl.when(~pl.col(DELETED)).then("y"))


def read_rows(config: Config, tables: Sequence[RawTable], selection: ColumnSelection, shelf: Shelf = MEMORY) -> RawData:
    """The rows of open tables with the selected columns; raises UserError when a column is missing.

    Lines without content (`empty_line`), lines below the last date (`footer`) and all lines of files that share no
    column with the table (`other_table`) are dropped by these names.
    """
    matched = match_tables(config, tables, selection.columns)
    layout, chosen = matched.layout, matched.tables
    readings = [
        read_stack(config, stack, layout, selection) for stack in stacks_of(config, chosen, layout, selection, shelf)
    ]
    sorting, undated = Sorting(shelf.portions(sum(table.rows for table in chosen)), shelf.keep), []
    for long in _long_frames(readings):
        dated = drop_undated(_selected(long, selection), len(layout.ids))
        sorting.add(dated.long)
        undated.append(replace(dated, long=dated.long.clear()))
    closed = drop_total_series(sorting.sorted(), len(layout.ids))
    summed = sum_finer_rows(closed.rows, config)
    rows, far = mark_far_dates(summed.rows, config)
    dropped = {"other_table": matched.other_rows, "empty_line": sum(t.empty for t in chosen)}
    dropped |= {rule: sum(part.dropped[rule] for part in undated) for rule in undated[0].dropped}
    dropped["total_row"] += closed.dropped
    dropped = {rule: n for rule, n in (dropped | dict(summed.dropped)).items() if n}
    read = dict.fromkeys(remark for reading in readings for remark in reading.remarks)
    remarks = (*matched.remarks, *read, *undated_remarks(undated), *closed.remarks, *summed.remarks, *far)
    formats = {config.source_key: {c: f for reading in readings for c, f in reading.formats.items()}}
    lines = rows.height + summed.merged + sum(dropped.values())
    raw = RawData(rows, lines, row_reader(chosen), dropped, merged_lines=summed.merged)
    return replace(raw, remarks=remarks, formats=formats)


def _long_frames(readings: Sequence[Reading]) -> Iterator[pl.DataFrame]:
    """The parts of one stack; those of texts and of typed tables have few common types, so they are one part."""
    if len(readings) == 1:
        return readings[0].parts
    return iter([pl.concat([part for reading in readings for part in reading.parts], how="diagonal_relaxed")])


def _selected(long: pl.DataFrame, selection: ColumnSelection) -> pl.DataFrame:
    """The columns that all frames have: keys, selected ones, tags, whether the sales are empty, the moments of rows."""
    return long.select(*KEYS, *selection.columns, *TAGS, "_blank", *(c for c in MOMENT if c in long.columns))
