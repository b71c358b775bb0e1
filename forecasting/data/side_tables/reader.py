"""Reader of side tables: the rows of their files, under the names that the columns have in the panel.

`read_side_table` takes the config and the name of a table and returns SideTableRows (parsed rows with faults marked,
counts of dropped lines). Rows are neither checked by rules nor joined here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import SideTable
from forecasting.data.sources.column_formats import NumberColumns, Role, cells_of, conclude_numbers
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.driver_columns import numeric_drivers
from forecasting.data.sources.long_frame import Faults, driver_column, fault_columns, parse_days
from forecasting.data.sources.names import as_names, id_names
from forecasting.data.sources.readers.cells import downcast
from forecasting.data.sources.readers.original_rows import row_reader
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.table_files import open_tables
from forecasting.data.sources.tables.matching import remarks_of
from forecasting.data.sources.tables.spelling import with_columns
from forecasting.remarks import Remark


@dataclass(frozen=True)
class SideTableRows:
    """The rows of a table before its contract: lines = height of `frame` + the sum of `dropped`.

    `frame` holds the columns of `on` (String), ds (Date: the day, or the first of a range; null without dates), _end
    (Date, where the config names one), the table's columns, and the tags. `reread` reads given [file, line] again.
    `remarks` and `formats` (of the columns of this table) are as those of RawData.
    """

    frame: pl.DataFrame
    dropped: Mapping[str, int]
    reread: Callable[[pl.DataFrame], pl.DataFrame]
    remarks: tuple[Remark, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)


def read_side_table(config: Config, name: str) -> SideTableRows:
    """All rows of a table. Raises UserError when a file or a column is missing, or a file is no table."""
    spec, table_config = config.tables[name], config.for_table(name)
    columns = _file_columns(name, spec)
    files = with_columns(table_config, open_tables(table_config, list(columns)), columns)
    texts, typed = [f for f in files if isinstance(f, TextTable)], [f for f in files if isinstance(f, TypedTable)]
    wanted = list(columns)
    frames, numbers = [], NumberColumns()
    if texts:
        raw = pl.concat([text.cells(wanted) for text in texts])
        roles, delimiters = _number_roles(table_config, spec, raw), {text.delimiter for text in texts}
        numbers = conclude_numbers(table_config, cells_of(raw, roles), roles, delimiters)
        frames += [_parse(raw, spec, table_config, numbers), *(t.faulty() for t in texts if t.broken.height)]
    if typed:
        raw = pl.concat([file.cells(wanted) for file in typed], how="vertical_relaxed")
        roles = _number_roles(table_config, spec, raw)
        of_typed = conclude_numbers(table_config, cells_of(raw, roles), roles, set())
        frames.append(_parse(raw, spec, table_config, of_typed))
        numbers = numbers.joined(of_typed)
    empty = sum(text.empty for text in texts)
    dropped = {"empty_line": empty} if empty else {}
    frame = pl.concat(frames, how="diagonal_relaxed")
    ids = config.id_columns or ("unique_id",)
    frame = frame.with_columns(id_names(frame[column], config) for column in spec.on if column in ids)
    remarks = (*remarks_of(files), *numbers.remarks)
    return SideTableRows(frame, dropped, row_reader(files), remarks, numbers.stored)


def _file_columns(name: str, spec: SideTable) -> dict[str, str]:
    """The columns that are read from the files, each with the key of the config that names it."""
    columns = dict.fromkeys(spec.on.values(), f"tables.{name}.on")
    columns |= {getattr(spec, key): f"tables.{name}.{key}" for key in ("ds", "start", "end") if getattr(spec, key)}
    return columns | {c: f"tables.{name}.columns.{p}" for p, c in spec.columns.items() if not _is_constant(c)}


def _is_constant(column: str) -> bool:
    """Whether the config gives a value (`=1`) in place of a column of the file."""
    return column.startswith("=")


def _number_roles(table_config: Config, spec: SideTable, raw: pl.DataFrame) -> dict[str, Role]:
    """The text columns of the file that hold numbers or may do so."""
    numbers, flags = numeric_drivers(table_config), (table_config.columns.promo, table_config.columns.open)
    roles: dict[str, Role] = {}
    for name, column in spec.columns.items():
        if not _is_constant(column) and raw[column].dtype == pl.String:
            free: Role = "static" if name in table_config.static_columns else "driver"
            roles[column] = ("flag" if name in flags else "number") if name in numbers else free
    return roles


def _parse(raw: pl.DataFrame, spec: SideTable, table_config: Config, numbers: NumberColumns) -> pl.DataFrame:
    """Raw cells as names, dates and numbers; a cell that cannot be read is null and marks its row with a fault."""
    faults: Faults = []
    columns = [as_names(raw[c]).alias(p) for p, c in spec.on.items()]
    columns.append(_parse_dates(raw, spec.ds or spec.start, "ds", table_config, faults))
    if spec.ds:
        columns[-1] = pl.select(table_config.frequency.floor(pl.lit(columns[-1])).alias("ds")).to_series()
    if spec.end:
        columns.append(_parse_dates(raw, spec.end, "_end", table_config, faults))
    columns += [_parse_column(raw, p, c, table_config, numbers, faults) for p, c in spec.columns.items()]
    return pl.DataFrame(columns).with_columns(raw["file"], raw["line"], *fault_columns(faults, raw.height))


def _parse_dates(raw: pl.DataFrame, column: str | None, name: str, table_config: Config, faults: Faults) -> pl.Series:
    """The dates of a column, nulls without a column."""
    if column is None:
        return pl.Series(name, [None], dtype=pl.Date).new_from_index(0, raw.height)
    return parse_days(raw[column].alias(name.strip("_")), table_config, faults).alias(name)


def _parse_column(
    raw: pl.DataFrame, name: str, column: str, table_config: Config, numbers: NumberColumns, faults: Faults
) -> pl.Series:
    """A driver column under its name in the panel."""
    if _is_constant(column):
        return _constant(column[1:]).alias(name).new_from_index(0, raw.height)
    cells = raw[column].alias(name)
    formats = {name: numbers.formats[column]} if column in numbers.formats else {}
    return driver_column(cells, ColumnLayout((), "", "", formats), table_config, faults)


def _constant(value: str) -> pl.Series:
    """A constant of the config, as a number where it is one."""
    try:
        return downcast(pl.Series([float(value)]))
    except ValueError:
        return pl.Series([value])
