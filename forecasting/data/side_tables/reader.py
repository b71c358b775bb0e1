"""A further table as its files hold it, with the names of the panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import SideTable
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.driver_columns import numeric_drivers
from forecasting.data.sources.long_frame import Faults, as_names, driver_column, fault_columns, parse_days
from forecasting.data.sources.readers.cells import downcast, looks_numeric
from forecasting.data.sources.readers.original_rows import row_reader
from forecasting.data.sources.readers.text_table import TextTable
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.table_files import decimal_sign, open_tables


@dataclass(frozen=True)
class RawTable:
    """The rows of a table before its contract: lines = height of `frame` + the sum of `dropped`.

    `frame` holds the columns of `on` (String), ds (Date: the day, or the first of a range; null without a date), _end
    (Date, where the table names one), the columns that are taken, and the tags. `rows` reads (file, line) again.
    """

    frame: pl.DataFrame
    dropped: Mapping[str, int]
    rows: Callable[[pl.DataFrame], pl.DataFrame]


def read_table(config: Config, name: str) -> RawTable:
    """All rows of a table; raises UserError when a file or a column is missing or a file is no table."""
    table, own = config.tables[name], config.of_table(name)
    sources = open_tables(own)
    for source in sources:
        _has_columns(config, name, source)
    texts, typed = [s for s in sources if isinstance(s, TextTable)], [s for s in sources if isinstance(s, TypedTable)]
    wanted = list(_asked(name, table))
    frames = []
    if texts:
        raw = pl.concat([t.cells(wanted) for t in texts])
        frames += [_shaped(raw, table, own, _decimal(own, texts, raw, table))]
        frames += [t.faulty() for t in texts if t.broken.height]
    if typed:
        raw = pl.concat([t.cells(wanted) for t in typed], how="vertical_relaxed")
        frames.append(_shaped(raw, table, own, "."))
    empty = sum(t.empty for t in texts)
    frame = pl.concat(frames, how="diagonal_relaxed")
    return RawTable(frame, {"empty_line": empty} if empty else {}, row_reader(typed))


def _asked(name: str, table: SideTable) -> dict[str, str]:
    """The columns of the file that are needed, and the keys of the config that ask for them."""
    asked = dict.fromkeys(table.on.values(), f"tables.{name}.on")
    asked |= {getattr(table, key): f"tables.{name}.{key}" for key in ("ds", "start", "end") if getattr(table, key)}
    return asked | {c: f"tables.{name}.columns.{p}" for p, c in table.columns.items() if not _is_constant(c)}


def _has_columns(config: Config, name: str, source: TextTable | TypedTable) -> None:
    for column, key in _asked(name, config.tables[name]).items():
        if column not in source.names:
            raise config.fault(key, f"{source.file} has no column {column!r}; it has: {', '.join(source.names)}")


def _is_constant(column: str) -> bool:
    return column.startswith("=")


def _decimal(own: Config, texts: Sequence[TextTable], raw: pl.DataFrame, table: SideTable) -> str:
    """How the numbers of the text files are written."""
    roles = numeric_drivers(own)
    taken = {p: raw[c] for p, c in table.columns.items() if not _is_constant(c)}
    return decimal_sign(own, texts, [c for p, c in taken.items() if p in roles or looks_numeric(c, ",")])


def _shaped(raw: pl.DataFrame, table: SideTable, own: Config, decimal: str) -> pl.DataFrame:
    """Text is read as numbers and dates where it must be; a cell that cannot be read is null and a fault of its row."""
    faults: Faults = []
    columns = [as_names(raw[c]).alias(p) for p, c in table.on.items()]
    columns.append(_date(raw, table.ds or table.start, "ds", own, faults))
    if table.ds:
        columns[-1] = pl.select(own.frequency.floor(pl.lit(columns[-1])).alias("ds")).to_series()
    if table.end:
        columns.append(_date(raw, table.end, "_end", own, faults))
    columns += [_value(raw, p, c, own, decimal, faults) for p, c in table.columns.items()]
    return pl.DataFrame(columns).with_columns(raw["file"], raw["line"], *fault_columns(faults, raw.height))


def _date(raw: pl.DataFrame, column: str | None, name: str, own: Config, faults: Faults) -> pl.Series:
    if column is None:
        return pl.Series(name, [None], dtype=pl.Date).new_from_index(0, raw.height)
    return parse_days(raw[column].alias(name.strip("_")), own, faults).alias(name)


def _value(raw: pl.DataFrame, name: str, column: str, own: Config, decimal: str, faults: Faults) -> pl.Series:
    if _is_constant(column):
        return _constant(column[1:]).alias(name).new_from_index(0, raw.height)
    cells = raw[column].alias(name)
    free = cells.dtype == pl.String and name not in numeric_drivers(own)
    numeric = frozenset([name]) if free and looks_numeric(cells, decimal) else frozenset[str]()
    return driver_column(cells, ColumnLayout((), "", "", decimal, numeric), own, faults)


def _constant(said: str) -> pl.Series:
    try:
        return downcast(pl.Series([float(said)]))
    except ValueError:
        return pl.Series([said])
