"""The long frame: `to_long_frame` parses a raw frame of cells into unique_id, ds, y, drivers and tags, row by row.

It takes the raw frame, a ColumnLayout and the config; no row is dropped: what cannot be parsed is null and a fault.
"""

from __future__ import annotations

import polars as pl

from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.driver_columns import numeric_drivers, source_drivers
from forecasting.data.sources.names import as_names, id_names
from forecasting.data.sources.periods.date_column import DateColumn, read_cells, read_date_column
from forecasting.data.sources.periods.finer_rows import moments
from forecasting.data.sources.readers.cells import downcast, to_panel_type
from forecasting.data.sources.readers.dates.missing_weeks import in_missing_week
from forecasting.data.sources.readers.numbers import PLAIN, parse_numbers
from forecasting.features.joined_names import join_columns

Faults = list[tuple[str, pl.Series, pl.Series]]
"""Rule, Boolean mask of the rows that break it, and the cells that are quoted as the faulty value."""


def to_long_frame(
    raw: pl.DataFrame, layout: ColumnLayout, config: Config, dates: DateColumn | None = None
) -> pl.DataFrame:
    """The long frame of a raw one, row by row: [unique_id, ds, y, carried columns, file, line, fault, fault_value].

    `raw` holds the columns of the layout, file and line, and `dates` its dates where they are read already; then the
    MOMENT of each row (see finer_rows) is there as well. Text is parsed to numbers where the column must hold them; a
    cell that cannot be parsed becomes null and a fault of its row.
    """
    given, dates = dates, dates or read_date_column(raw, layout, config)
    faults = _date_faults(dates, config)
    period = pl.select(config.frequency.floor(pl.lit(dates.days)).alias("ds")).to_series()
    columns = [_unique_id(raw, layout, config), period]
    columns.append(_number(raw[layout.y], "y", layout, faults))
    carried = layout.carried if layout.carried is not None else source_drivers(config)
    columns += [driver_column(raw[c], layout, config, faults) for c in carried]
    long = pl.DataFrame(columns).with_columns(raw["file"], raw["line"], *fault_columns(faults, raw.height))
    return long.with_columns(moments(dates)) if given else long


def _unique_id(raw: pl.DataFrame, layout: ColumnLayout, config: Config) -> pl.Series:
    if not layout.ids:
        return pl.Series("unique_id", [config.name]).new_from_index(0, raw.height)
    parts = pl.DataFrame([id_names(raw[c], config) for c in layout.ids])
    return (parts.to_series() if parts.width == 1 else join_columns(parts)).alias("unique_id")


def parse_days(cells: pl.Series, config: Config, faults: Faults) -> pl.Series:
    """The cells as Date; a cell that is neither empty nor a date adds a fault: `missing_week` or `date_format`.

    Raises UserError when the format of the dates is ambiguous or not recognised.
    """
    dates = DateColumn(read_cells(cells, config).dates, cells)
    faults += _date_faults(dates, config)
    return dates.days


def _date_faults(dates: DateColumn, config: Config) -> Faults:
    """Cells that are no date: weeks that their year does not have, and all others."""
    bad = dates.bad
    faults: Faults = [("date_format", bad, dates.cells)]
    if not bad.any():
        return faults
    cells = dates.cells.to_frame("cell").select(pl.when(bad).then("cell")).to_series()
    return [("missing_week", in_missing_week(cells, config.source.ds_format, config.frequency), dates.cells), *faults]


def _number(cells: pl.Series, name: str, layout: ColumnLayout, faults: Faults) -> pl.Series:
    values, bad = parse_numbers(cells, layout.numbers.get(cells.name, PLAIN))
    faults.append(("number", bad, cells))
    return values.alias(name)


def driver_column(cells: pl.Series, layout: ColumnLayout, config: Config, faults: Faults) -> pl.Series:
    """One driver in the type of its role: names or numbers (a cell that is none adds the fault `number`)."""
    column = cells.name
    if column in layout.ids:
        return id_names(cells, config)
    if column in numeric_drivers(config):
        values = _number(cells, column, layout, faults)
        flags = (config.columns.promo, config.columns.open)
        return _flag(values) if column in flags else values
    if column in layout.numbers:
        return downcast(_number(cells, column, layout, faults))
    return as_names(cells) if cells.dtype == pl.String else to_panel_type(cells)


def _flag(values: pl.Series) -> pl.Series:
    """Promotions and openings: Int8 when 0 and 1, Float64 when they are shares or depths."""
    values_or_flags = downcast(values)
    return values_or_flags if values_or_flags.dtype == pl.Int8 else values


def fault_columns(faults: Faults, rows: int) -> list[pl.Series]:
    """The columns fault and fault_value (`column=cell`), one value for each of the `rows` rows: its first fault."""
    found = [(rule, bad.fill_null(False), cells) for rule, bad, cells in faults if bad.any()]
    if not found:
        empty = pl.Series("fault", [None], dtype=pl.String).new_from_index(0, rows)
        return [empty, empty.alias("fault_value")]
    rules = [pl.when(bad).then(pl.lit(rule)) for rule, bad, _ in found]
    values = [
        pl.when(bad).then(pl.format("{}={}", pl.lit(user_name(c.name)), c.cast(pl.String))) for _, bad, c in found
    ]
    both = pl.select(fault=pl.coalesce(rules), fault_value=pl.coalesce(values))
    return both.get_columns()
