"""Receipt or invoice lines: `load` takes a config and returns RawData with their sums, one row per series and period.

config.source.columns names the item (or store and item), the time and the quantity of a line. Drivers by the names that
a config may use, all of them known only afterwards: unit_price (mean price paid, weighted by quantity), revenue,
returned (units that were returned), invoices and lines (how many); static: any column of the file, as its most frequent
value per series. A period without a line has no row: with `clean.gaps: zero` nothing was sold then. More returns than
sales make a period negative: `clean.below` decides what becomes of it (quarantine: each of its lines is quarantined).

A line that cannot be read is quarantined before anything is added up. Lines that do not count are dropped by these
names: no_goods, cancelled, free, repeat, return, rare_item, partial_period.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.sources.column_layout import ColumnLayout, ColumnSelection
from forecasting.data.sources.driver_columns import long_frame_columns, source_drivers
from forecasting.data.sources.layouts import NewFiles
from forecasting.data.sources.layouts.transactions.lines import (
    drop_uncounted_lines,
    mark_bad_lines,
    most_frequent_value,
    sum_by_period,
)
from forecasting.data.sources.layouts.transactions.options import COMPUTED, Options, check_options
from forecasting.data.sources.names import as_names
from forecasting.data.sources.options import parse_options
from forecasting.data.sources.periods.date_column import date_cells, minutes_of
from forecasting.data.sources.periods.source_dates import naming_ds_format
from forecasting.data.sources.raw_data import RawData
from forecasting.data.sources.readers.local_days import local_days
from forecasting.data.sources.table_files import open_tables
from forecasting.data.sources.table_rows import read_rows

NEW_FILES: NewFiles = "add"


def load(config: Config) -> RawData:
    """The sums of the lines, one row per series and period.

    Raises UserError for options and drivers that do not fit, and when a file or column is missing.
    """
    options = parse_options(config, Options)
    check_options(config, options, source_drivers(config))
    line_config = _line_config(config)
    read = read_rows(line_config, open_tables(line_config), _selection(config, options))
    lines = mark_bad_lines(read.long, config, options)
    bad = lines.filter(pl.col("fault").is_not_null())
    kept = drop_uncounted_lines(lines.filter(pl.col("fault").is_null()), config, options)
    counted = kept.lines
    sums, below_minimum = sum_by_period(counted, config, options)
    for column in _static_drivers(config):
        static = most_frequent_value(counted, column)
        sums = sums.join(static, on="unique_id", how="left", maintain_order="left")
    long = pl.concat([sums, bad, below_minimum], how="diagonal_relaxed").select(long_frame_columns(config))
    merged = counted.height - below_minimum.height - sums.height
    dropped, remarks = {**read.dropped, **kept.dropped}, (*read.remarks, *kept.remarks)
    return replace(read, rows=Portions.of(long), dropped=dropped, merged_lines=merged, remarks=remarks)


def _line_config(config: Config) -> Config:
    """The config that reads single lines: daily, with ISO dates as `_prepare` returns them, and no options."""
    iso = {"ds_format": "%Y-%m-%d", "day_starts": "00:00", "time_zone": None}
    source = config.source.model_copy(update={"options": {}} | iso)
    return config.model_copy(update={"source": source, "freq": "1d"})


def _static_drivers(config: Config) -> dict[str, str]:
    return {column: key for column, key in source_drivers(config).items() if column not in COMPUTED}


def _selection(config: Config, options: Options) -> ColumnSelection:
    keys = {"source.options.invoice": options.invoice, "source.options.price": options.price}
    columns = _static_drivers(config) | {column: key for key, column in keys.items() if column}
    numbers, texts = (frozenset(filter(None, [column])) for column in (options.price, options.invoice))
    return ColumnSelection(columns, numbers, texts, lambda raw, layout: _prepare(raw, layout, config, options))


def _prepare(raw: pl.DataFrame, layout: ColumnLayout, config: Config, options: Options) -> pl.DataFrame:
    """The raw cells with times as local days, and item codes in upper case where the options want it."""
    cells, source = date_cells(raw, layout, config), config.source
    zone, begins = options.time_zone or source.time_zone, minutes_of(source.day_starts)
    with naming_ds_format(config):
        days = local_days(cells, source.ds_format, zone, options.stored_in, begins)
    raw = raw.with_columns(days)
    raw = raw.with_columns(pl.lit("1").alias(layout.y)) if options.counts == "lines" else raw
    return raw if options.case == "keep" else raw.with_columns(as_names(raw[c]).str.to_uppercase() for c in layout.ids)
