"""Raw rows of tables: `load_tables` and `read_rows` take a config and open tables and return RawData.

`load_tables` reads the drivers of the config, `read_rows` the columns of a ColumnSelection. Empty lines, footers and
files that are other tables are dropped and counted; rows with a bad cell stay and are marked with a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.column_formats import NumberColumns, Role, conclude_numbers
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.driver_columns import numeric_drivers, source_drivers
from forecasting.data.sources.long_frame import to_long_frame
from forecasting.data.sources.names import as_names
from forecasting.data.sources.periods.date_column import read_date_column
from forecasting.data.sources.periods.far_dates import mark_far_dates
from forecasting.data.sources.periods.finer_rows import MOMENT, sum_finer_rows
from forecasting.data.sources.raw_data import DELETED, KEYS, TAGS, RawData
from forecasting.data.sources.readers.cells import check_single_values
from forecasting.data.sources.readers.numbers import holds_nothing
from forecasting.data.sources.readers.original_rows import row_reader
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.tables.closing_rows import drop_closing_rows
from forecasting.data.sources.tables.matching import match_tables
from forecasting.data.sources.tables.spelling import RawTable
from forecasting.remarks import Remark

NOT_DELETED = ("", "0", "0.0", "false", "no", "n")
"""Values of a `deleted` column that keep the row; so does null."""


@dataclass(frozen=True)
class ColumnSelection:
    """The columns that are read of each row besides unique_id, ds and y.

    `columns` maps each to the config key that names it. `numbers` must be numbers; `texts` are names even where they
    look like numbers. `prepare` changes the raw cells before they are parsed.
    """

    columns: Mapping[str, str]
    numbers: frozenset[str]
    texts: frozenset[str] = frozenset()
    prepare: Callable[[pl.DataFrame, ColumnLayout], pl.DataFrame] = lambda raw, _: raw


def load_tables(config: Config, tables: Sequence[RawTable]) -> RawData:
    """The rows of open tables with the drivers of the config, and the column DELETED where the config names one.

    Raises UserError when a column is missing or cells cannot be understood.
    """
    marks = dict.fromkeys((config.source.columns or {}).get("deleted", ()), "source.columns.deleted")
    selection = ColumnSelection(source_drivers(config) | marks, frozenset(numeric_drivers(config)))
    raw = read_rows(config, tables, selection)
    for mark in marks:
        deleted = ~pl.col(mark).cast(pl.String).str.to_lowercase().is_in(NOT_DELETED).fill_null(value=True)
        long = raw.long.with_columns(deleted.alias(DELETED)).drop(mark)
        raw = replace(raw, long=long.with_columns(y=pl.when(~pl.col(DELETED)).then("y")))
    return raw


def read_rows(config: Config, tables: Sequence[RawTable], selection: ColumnSelection) -> RawData:
    """The rows of open tables with the selected columns; raises UserError when a column is missing.

    Lines without content (`empty_line`), lines below the last date (`footer`) and all lines of files that share no
    column with the table (`other_table`) are dropped by these names.
    """
    matched = match_tables(config, tables, selection.columns)
    layout, chosen = matched.layout, matched.tables
    dropped = {"other_table": matched.other_rows}
    dropped["empty_line"] = sum(t.empty for t in chosen)
    parts = []
    if texts := [t for t in chosen if isinstance(t, TextTable)]:
        parts.append(_from_texts(config, texts, layout, selection))
    if typed := [t for t in chosen if isinstance(t, TypedTable)]:
        parts.append(_from_typed(config, typed, layout, selection))
    every = pl.concat([_selected(part.long, selection) for part in parts], how="diagonal_relaxed")
    closed = drop_closing_rows(every, len(layout.ids))
    summed = sum_finer_rows(closed.long, config)
    long, far = mark_far_dates(summed.long, config)
    dropped = {rule: n for rule, n in (dropped | closed.dropped | dict(summed.dropped)).items() if n}
    read = dict.fromkeys(remark for part in parts for remark in part.remarks)
    remarks = (*matched.remarks, *read, *closed.remarks, *summed.remarks, *far)
    formats = {config.source_key: {c: f for part in parts for c, f in part.formats.items()}}
    lines = long.height + summed.merged + sum(dropped.values())
    raw = RawData(long, lines, row_reader(chosen), dropped, merged_lines=summed.merged)
    return replace(raw, remarks=remarks, formats=formats)


def _selected(long: pl.DataFrame, selection: ColumnSelection) -> pl.DataFrame:
    """The columns that all frames have: keys, selected ones, tags, whether the sales are empty, the moments of rows."""
    return long.select(*KEYS, *selection.columns, *TAGS, "_blank", *(c for c in MOMENT if c in long.columns))


@dataclass(frozen=True)
class Part:
    """The long frame of some tables of a source, with remarks on its dates and numbers, and how they are written."""

    long: pl.DataFrame
    remarks: tuple[Remark, ...]
    formats: Mapping[str, str]


def _part(
    config: Config, raw: pl.DataFrame, layout: ColumnLayout, selection: ColumnSelection, numbers: NumberColumns
) -> Part:
    """Raw cells, of which these columns hold numbers, as a long frame, row by row."""
    raw = selection.prepare(raw, layout)
    dates = read_date_column(raw, layout, config)
    long = to_long_frame(raw, replace(layout, numbers=numbers.formats), config, dates)
    return Part(long, (*dates.remarks, *numbers.remarks), {**dates.formats, **numbers.stored})


def _from_typed(config: Config, tables: Sequence[TypedTable], layout: ColumnLayout, selection: ColumnSelection) -> Part:
    """Tables with types: of their text columns without a role only those of folders and sheets may hold numbers."""
    raw = _stacked([t.cells(_columns_to_read(layout)) for t in tables])
    check_single_values(raw)
    sheets = [str(t.file) for t in tables if t.lines is not None]
    blank = (pl.col("file").is_in(sheets) & pl.col(layout.y).is_null()).alias("_blank")
    from_paths = {c for t in tables for c in t.text_columns}
    roles = _number_roles(config, layout, selection)
    roles = {c: r for c, r in roles.items() if c in from_paths or r in ("number", "flag")}
    numbers = conclude_numbers(config, raw, {c: r for c, r in roles.items() if raw[c].dtype == pl.String}, set())
    part = _part(config, raw, layout, selection, numbers)
    return replace(part, long=part.long.with_columns(raw.select(blank)))


def _stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The frames one below the other; a column that is text in one of them is text in all."""
    text = {c for frame in frames for c, kind in frame.schema.items() if kind == pl.String}
    return pl.concat(
        [frame.with_columns(as_names(frame[c]) for c in frame.columns if c in text) for frame in frames],
        how="vertical_relaxed",
    )


def _columns_to_read(layout: ColumnLayout) -> list[str]:
    return list(dict.fromkeys((*layout.keys, *(layout.carried or ()))))


def _number_roles(config: Config, layout: ColumnLayout, selection: ColumnSelection) -> dict[str, Role]:
    """The columns that hold numbers or may do so: names and texts are left out."""
    flags, static = (config.columns.promo, config.columns.open), config.static_columns
    roles: dict[str, Role] = {layout.y: "number"}
    for column in selection.columns:
        if column in selection.numbers:
            roles[column] = "flag" if column in flags else "number"
        elif column not in (*layout.keys, *selection.texts):
            roles[column] = "static" if column in static else "driver"
    return roles


def _from_texts(config: Config, texts: Sequence[TextTable], layout: ColumnLayout, selection: ColumnSelection) -> Part:
    """Text files and their broken lines, with the column `_blank`: true where the sales are empty."""
    raw = pl.concat([t.cells(_columns_to_read(layout)) for t in texts])
    delimiters = {text.delimiter for text in texts}
    numbers = conclude_numbers(config, raw, _number_roles(config, layout, selection), delimiters)
    part = _part(config, raw, layout, selection, numbers)
    long = part.long.with_columns(holds_nothing(raw[layout.y]).alias("_blank"))
    broken = [_broken_lines(text) for text in texts if text.broken.height]
    return replace(part, long=pl.concat([long, *broken], how="diagonal_relaxed"))


def _broken_lines(text: TextTable) -> pl.DataFrame:
    """Lines with too few or too many cells; one that begins with a number cannot be a footer, so it is not `_blank`."""
    return text.faulty().with_columns(_blank=~pl.col("fault_value").str.contains(r"^\W*\d"))
