"""Wide tables, whose header holds items or periods: `unpivot` takes a table and returns it with a row for each cell.

source.wide names the column that the header stands for: an id column where every item has a column of numbers, the date
column where every period has one. Sums among the columns are left out, and compared with what they sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.data.sources.readers.header import kind_of
from forecasting.data.sources.readers.numbers import (
    Evidence,
    NumberFormat,
    NumberFormatError,
    decide_decimal,
    evidence_of,
    is_doubtful,
    parse_numbers,
)
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.tables.closing_rows import NAME, SAME
from forecasting.data.sources.tables.left_out import column_kinds_of
from forecasting.data.sources.tables.spelling import RawTable, with_columns
from forecasting.errors import UserError
from forecasting.remarks import Remark

SHOWN = 5
"""How many columns a remark names."""


def wide_columns(config: Config) -> tuple[str, ...]:
    """The columns of the source that no wide file has: the one that its header stands for, and that of the sales."""
    columns = config.source.columns or {}
    return (config.source.wide, *columns.get("y", ())) if config.source.wide else ()


def unpivot(config: Config, table: RawTable, required: Mapping[str, str]) -> TypedTable:
    """The wide table with the `required` columns (column -> key that names it), a row for each cell with a number.

    A row or a period without any number is kept, since it is ahead; other empty cells are left out and counted. Raises
    UserError when nothing is wide, or a line has not the cells of the header.
    """
    wide, y = _columns(config)
    kept = [column for column in required if column not in (wide, y)]
    table = with_columns(config, [table], {column: required[column] for column in kept})[0]
    _refuse_broken(table)
    values = _value_columns(config, table, kept, wide)
    if not values:
        names = ", ".join(table.names[:20])
        raise config.fault("source.wide", f"{table.file} has no column of numbers for {wide}; it has: {names}")
    cells = table.cells([*kept, *values, *_sums(table, kept)])
    remarks = (*table.remarks, *_remarks(table, cells, kept, values, wide))
    cells = _one_type(cells, values)
    long = cells.unpivot(values, index=[*kept, "line"], variable_name=wide, value_name=y)
    long = long.with_columns(pl.col(wide).replace({name: user_name(name) for name in values}))
    filled = _has_number(long[y])
    ahead = ~(filled.to_frame("filled").select(pl.col("filled").any().over(_place(long, wide, config))).to_series())
    rows = long.filter(filled | ahead)
    text = frozenset(c for c, kind in rows.schema.items() if kind == pl.String)
    frame, header = rows.drop("line").lazy(), (*kept, wide, y)
    empty = long.height - rows.height + table.empty
    return TypedTable(
        table.file, header, rows.height, frame, "a wide table", text, rows["line"], empty, remarks, table.read_again
    )


def _columns(config: Config) -> tuple[str, str]:
    """The column that the header stands for, and that of the sales."""
    columns, wide = config.source.columns or {}, str(config.source.wide)
    ids, ds, y = (columns.get(key, ()) for key in ("unique_id", "ds", "y"))
    if len(y) != 1 or len(ds) != 1 or wide not in (*ids, *ds):
        raise config.fault(
            "source.wide",
            f"{wide} must be a column of unique_id, or the one of ds, that source.columns names, and y one more: for "
            "example columns: {unique_id: item, ds: date, y: units} with wide: item",
        )
    return wide, y[0]


def _refuse_broken(table: RawTable) -> None:
    if not isinstance(table, TypedTable) and table.broken.height:
        line = table.broken["line"][0]
        raise UserError(f"{table.file}, line {line}: has not as many cells as the header: mend the line")


def _value_columns(config: Config, table: RawTable, kept: Sequence[str], wide: str) -> list[str]:
    """The columns whose names are periods, or, for items, whose cells are numbers; sums are none."""
    others = [name for name in table.names if name and name not in (*kept, *_sums(table, kept))]
    if wide in (config.source.columns or {}).get("ds", ()):
        return [name for name in others if kind_of(user_name(name)) in ("date", "number")]
    kinds = column_kinds_of(table)
    return [name for name in others if kinds.get(name, "number") == "number"]


def _sums(table: RawTable, kept: Sequence[str]) -> list[str]:
    """The columns that are called total."""
    called = pl.Series(map(user_name, table.names), dtype=pl.String).str.contains(NAME)
    return [name for name, total in zip(table.names, called, strict=True) if total and name not in kept]


def _one_type(cells: pl.DataFrame, values: Sequence[str]) -> pl.DataFrame:
    """The value columns all as Float64, or as text where one is text."""
    kind = pl.String if any(cells[c].dtype == pl.String for c in values) else pl.Float64
    return cells.with_columns(pl.col(values).cast(kind))


def _has_number(cells: pl.Series) -> pl.Series:
    return cells.is_not_null() & (cells.str.strip_chars() != "") if cells.dtype == pl.String else cells.is_not_null()


def _place(long: pl.DataFrame, wide: str, config: Config) -> pl.Series:
    """What is ahead as a whole: a period of the header, or a line."""
    return long[wide] if wide in (config.source.columns or {}).get("ds", ()) else long["line"]


def _remarks(
    table: RawTable, cells: pl.DataFrame, kept: Sequence[str], values: Sequence[str], wide: str
) -> list[Remark]:
    """What the columns of a wide table are, which are left out, and whether sums agree with the others."""
    remarks = [
        Remark("files", f"{len(values):,} columns are the {user_name(wide)} of the sales ({_some(values)})", "none")
    ]
    sums = _sums(table, kept)
    others = [name or "one without a name" for name in table.names if name not in (*kept, *values, *sums)]
    if others:
        remarks.append(Remark("files", f"the columns {_some(others)} are left out: they are no {wide}", "none"))
    return [*remarks, *(_compared(cells, name, values) for name in sums)]


def _compared(cells: pl.DataFrame, name: str, values: Sequence[str]) -> Remark:
    """A remark on a column of sums, compared with the columns that it sums."""
    numbers = _as_numbers(cells.select(name, *values))
    if numbers is None:
        message = "is called a total and is left out; its numbers can be read in two ways, so it is not compared"
        return Remark("totals", f"the column {user_name(name)!r} {message}")
    stated, *parts = (float(column.sum()) for column in numbers)
    total = sum(parts)
    message = f"the column {user_name(name)!r} is a total of {stated:,.10g} and is left out"
    if abs(stated - total) <= SAME * abs(total):
        return Remark("totals", f"{message}; the others add up to that", "none")
    return Remark("totals", f"{message}; the others add up to {total:,.10g}: look for what differs")


def _as_numbers(cells: pl.DataFrame) -> list[pl.Series] | None:
    """The columns as Float64, with the decimal sign that all of them tell; None where it stays open."""
    texts = [column.alias("cell") for column in cells.iter_columns() if column.dtype == pl.String]
    evidence = evidence_of(pl.concat(texts)) if texts else Evidence()
    try:
        sign = decide_decimal(evidence)
    except NumberFormatError:
        return None
    if sign is None and is_doubtful(evidence):
        return None
    return [parse_numbers(column, NumberFormat(sign or "."))[0] for column in cells.iter_columns()]


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(user_name, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
