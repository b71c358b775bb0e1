"""Tables in parts: `stacks_of` takes open tables and returns Stacks.

A stack is of tables that are read alike, texts or typed ones; its parts are read one after the other (`stack_reading`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Shelf
from forecasting.data.sources.column_formats import Role
from forecasting.data.sources.column_layout import ColumnLayout, ColumnSelection
from forecasting.data.sources.names import as_names
from forecasting.data.sources.readers.cells import check_single_values
from forecasting.data.sources.readers.numbers import holds_nothing
from forecasting.data.sources.readers.text.large_text import LargeText
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.tables.spelling import RawTable

Part = Sequence[RawTable]
"""Tables, or parts of tables, that are read together."""


@dataclass(frozen=True)
class Stack:
    """Tables of one kind in parts; the roles of columns that may hold numbers, and the signs between cells.

    `cells` takes a part and names of columns and returns these with `file` and `line`; `blank` which of such rows lack
    the sales; `broken` the lines of a part that have no cells.
    """

    parts: Sequence[Part]
    roles: Mapping[str, Role]
    delimiters: set[str]
    cells: Callable[[Part, Sequence[str]], pl.DataFrame]
    blank: Callable[[pl.DataFrame], pl.Series]
    broken: Callable[[Part], list[pl.DataFrame]]


def stacks_of(
    config: Config, tables: Sequence[RawTable], layout: ColumnLayout, selection: ColumnSelection, shelf: Shelf
) -> list[Stack]:
    """The text tables and the typed ones, in parts of about as many rows as the shelf asks for."""
    roles = _number_roles(config, layout, selection)
    stacks = []
    if texts := [t for t in tables if isinstance(t, TextTable)]:
        stacks.append(_of_texts(texts, roles, layout, shelf))
    if typed := [t for t in tables if isinstance(t, TypedTable)]:
        stacks.append(_of_typed(typed, roles, layout, shelf))
    return stacks


def _of_texts(texts: Sequence[TextTable], roles: Mapping[str, Role], layout: ColumnLayout, shelf: Shelf) -> Stack:
    """Text files and their broken lines."""
    return Stack(
        _parts(texts, shelf),
        roles,
        {text.delimiter for text in texts},
        lambda part, columns: pl.concat([text.cells(columns) for text in part]),
        lambda raw: holds_nothing(raw[layout.y]),
        lambda part: [_broken_lines(text) for text in part if isinstance(text, TextTable) and text.broken.height],
    )


def _of_typed(typed: Sequence[TypedTable], roles: Mapping[str, Role], layout: ColumnLayout, shelf: Shelf) -> Stack:
    """Tables with types: of their text columns without a role only those of folders and sheets may hold numbers."""
    kinds = _stacked([table.part(0, 0).cells(columns_to_read(layout)) for table in typed]).schema
    check_single_values(kinds)
    sheets = [str(t.file) for t in typed if t.lines is not None]
    blank = (pl.col("file").is_in(sheets) & pl.col(layout.y).is_null()).alias("_blank")
    from_paths = {c for t in typed for c in t.text_columns}
    roles = {c: role for c, role in roles.items() if c in from_paths or role in ("number", "flag")}
    return Stack(
        _parts(typed, shelf),
        {c: role for c, role in roles.items() if kinds[c] == pl.String},
        set(),
        lambda part, columns: _stacked([table.cells(columns) for table in part], kinds),
        lambda raw: raw.select(blank).to_series(),
        lambda _: [],
    )


def _parts(tables: Sequence[RawTable], shelf: Shelf) -> list[list[RawTable]]:
    """The tables in parts: large ones cut, small ones together."""
    parts: list[list[RawTable]] = [[]]
    room = shelf.rows_at_once
    for table in tables:
        for piece in _cut(table, shelf.rows_at_once):
            if piece.rows > room and parts[-1]:
                parts.append([])
                room = shelf.rows_at_once
            parts[-1].append(piece)
            room -= piece.rows
    return parts


def _cut(table: RawTable, rows: int) -> Sequence[RawTable]:
    """A table in pieces of so many rows at most: of texts the chunks in which they are read; sheets stay whole."""
    if table.rows <= rows:
        return [table]
    if isinstance(table, LargeText):
        return table.parts()
    if isinstance(table, TextTable) or table.lines is not None:
        return [table]
    return [table.part(start, min(rows, table.rows - start)) for start in range(0, table.rows, rows)]


def _stacked(frames: Sequence[pl.DataFrame], kinds: Mapping[str, pl.DataType] | None = None) -> pl.DataFrame:
    """The frames one below the other, in types `kinds`; without them a column that is text in one is text in all."""
    known = kinds or {}
    text = {c for frame in frames for c, kind in frame.schema.items() if known.get(c, kind) == pl.String}
    named = [frame.with_columns(as_names(frame[c]) for c in frame.columns if c in text) for frame in frames]
    stacked = pl.concat(named, how="vertical_relaxed")
    return stacked.cast({c: known[c] for c in stacked.columns if c in known})


def columns_to_read(layout: ColumnLayout) -> list[str]:
    """The columns that are read of each row."""
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


def _broken_lines(text: TextTable) -> pl.DataFrame:
    """Lines with too few or too many cells; one that begins with a number cannot be a footer, so it is not `_blank`."""
    return text.faulty().with_columns(_blank=~pl.col("fault_value").str.contains(r"^\W*\d"))
