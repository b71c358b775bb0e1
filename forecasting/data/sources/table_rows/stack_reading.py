"""The rows of a stack of tables: `read_stack` takes a Stack and returns a Reading, its long frames part by part.

Memory need not hold all parts; how dates and numbers are written is concluded from all of them before the first one is
read, so that none is read otherwise than its neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.column_formats import Cells, cells_of, conclude_numbers
from forecasting.data.sources.column_layout import ColumnLayout, ColumnSelection
from forecasting.data.sources.long_frame import to_long_frame
from forecasting.data.sources.periods.date_column import DateColumn, dates_by_cell, read_date_column
from forecasting.data.sources.readers.text.large_text import LargeText
from forecasting.data.sources.table_rows.stacks import Part, Stack, columns_to_read
from forecasting.remarks import Remark

PLAIN = r"^-?(0|[1-9]\d*)(\.\d{1,2}|\.\d{4,})?$"
"""Numbers that are written in one way only, whatever the others are."""
DIFFERENT = 100_000
"""So many different numbers of a part are looked at to find out how a column is written."""


@dataclass(frozen=True)
class Reading:
    """The long frames of a stack, part by part, with remarks on its dates and numbers, and how they are written."""

    parts: Iterator[pl.DataFrame]
    remarks: tuple[Remark, ...]
    formats: Mapping[str, str]


def read_stack(config: Config, stack: Stack, layout: ColumnLayout, selection: ColumnSelection) -> Reading:
    """The long frames of a stack; raises UserError where dates or numbers of all its parts leave two readings."""
    columns = columns_to_read(layout)
    if len(stack.parts) == 1:
        raw = stack.cells(stack.parts[0], columns)
        numbers = conclude_numbers(config, cells_of(raw, stack.roles), stack.roles, stack.delimiters)
        raw = selection.prepare(raw, layout)
        dates = read_date_column(raw, layout, config)
        long = _long_frame(config, stack, stack.parts[0], raw, replace(layout, numbers=numbers.formats), dates)
        return Reading(iter([long]), (*dates.remarks, *numbers.remarks), {**dates.formats, **numbers.stored})
    numbers = conclude_numbers(config, _different_cells(stack), stack.roles, stack.delimiters)
    known = _different_rows(stack, layout.ds_columns)
    dates = read_date_column(known, layout, config)

    def frames() -> Iterator[pl.DataFrame]:
        for part in stack.parts:
            raw = stack.cells(part, columns)
            of_part = dates_by_cell(raw.select(layout.ds_columns), known, dates)
            yield _long_frame(config, stack, part, raw, replace(layout, numbers=numbers.formats), of_part)

    return Reading(frames(), (*dates.remarks, *numbers.remarks), {**dates.formats, **numbers.stored})


def _long_frame(
    config: Config, stack: Stack, part: Part, raw: pl.DataFrame, layout: ColumnLayout, dates: DateColumn
) -> pl.DataFrame:
    """The cells of a part as a long frame, with its broken lines. Where its table goes on no row can be a footer."""
    long = to_long_frame(raw, layout, config, dates).with_columns(stack.blank(raw).alias("_blank"))
    whole = pl.concat([long, *stack.broken(part)], how="diagonal_relaxed")
    goes_on = any(isinstance(t, LargeText) and not t.chunks[-1].is_last for t in part)
    return whole.with_columns(_blank=pl.lit(value=False)) if goes_on else whole


def _different_rows(stack: Stack, columns: Sequence[str]) -> pl.DataFrame:
    """What stands in these columns in any part, each combination once."""
    parts = (stack.cells(part, columns).select(columns).unique(maintain_order=True) for part in stack.parts)
    return pl.concat(list(parts), how="vertical_relaxed").unique(maintain_order=True)


def _different_cells(stack: Stack) -> dict[str, Cells]:
    """The different cells of the columns that may hold numbers, with their first place and how often they are there."""
    first = (pl.col("file", "line").first(), pl.col("times").sum())
    found: dict[str, list[Cells]] = {name: [] for name in stack.roles}
    for part in stack.parts if stack.roles else ():
        for name, cells in cells_of(stack.cells(part, list(stack.roles)), stack.roles).items():
            counted = cells.with_columns(times=pl.lit(1, pl.Int64))
            found[name].append(_enough(counted.group_by("cell", maintain_order=True).agg(first)))
    return {name: pl.concat(parts).group_by("cell", maintain_order=True).agg(first) for name, parts in found.items()}


def _enough(cells: Cells) -> Cells:
    """The cells; of very many different plain numbers so many as tell how numbers are written."""
    plain = cells.filter(pl.col("cell").str.contains(PLAIN).fill_null(value=True))
    if plain.height < cells.height or cells.height <= DIFFERENT:
        return cells
    some, more = cells.head(DIFFERENT), cells["times"].tail(cells.height - DIFFERENT).sum()
    return some.with_columns(times=pl.when(pl.int_range(pl.len()) == 0).then(more).otherwise(0) + pl.col("times"))
