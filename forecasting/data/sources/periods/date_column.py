"""The dates of a table: `read_date_column` takes raw cells, their layout and the config, and returns a DateColumn.

It holds the day of each row by the shop's clock, and the minute where rows of a day have different times. No row is
dropped. `dates_by_cell` looks up dates that were read of all different cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.periods.several_columns import join_date_columns
from forecasting.data.sources.periods.source_dates import late_midnights, naming_ds_format, reading_remarks
from forecasting.data.sources.readers.dates import Reading, read_dates
from forecasting.data.sources.readers.local_days import on_clock
from forecasting.frequency import Frequency
from forecasting.remarks import Remark

MINUTES = 24 * 60


@dataclass(frozen=True)
class DateColumn:
    """The dates of rows: `days` (Date, null where a cell holds none), and the `cells` as they came.

    `minutes` (Int16) after the begin of the day are there when rows have different ones. `formats` {column: format}
    holds what was concluded of cells that could have been read in another way.
    """

    days: pl.Series
    cells: pl.Series
    minutes: pl.Series | None = None
    remarks: tuple[Remark, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)

    @property
    def bad(self) -> pl.Series:
        """Whether each cell holds something that is no date (Boolean)."""
        filled = self.cells.is_not_null()
        if self.cells.dtype == pl.String:
            filled = filled & (self.cells.str.strip_chars() != "")
        return self.days.is_null() & filled


def read_date_column(raw: pl.DataFrame, layout: ColumnLayout, config: Config) -> DateColumn:
    """The dates of the rows of a table; raises UserError when their format is unclear.

    A day begins at source.day_starts: times before it are of the day before.
    """
    cells = date_cells(raw, layout, config)
    reading = read_cells(cells, config, config.frequency)
    remarks = (*reading_remarks(reading, cells.name, config), *late_midnights(cells, reading.minutes, config))
    formats = {cells.name: reading.ways[0].format} if reading.ways and reading.ways[0].in_doubt else {}
    days, times = reading.dates, reading.minutes
    if times is None:
        return DateColumn(days, cells, None, remarks, formats)
    if begins := minutes_of(config.source.day_starts):
        early = (times < begins).fill_null(value=False)
        days = days.to_frame("d").select(pl.when(early).then(pl.col("d").dt.offset_by("-1d")).otherwise("d"))["d"]
        times = (times - begins) % MINUTES
    return DateColumn(days, cells, times if times.n_unique() > 1 else None, remarks, formats)


def dates_by_cell(rows: pl.DataFrame, known: pl.DataFrame, dates: DateColumn) -> DateColumn:
    """The dates of rows by their cells; `dates` are those of the rows `known`, which have the same columns."""
    if rows.dtypes == [pl.Date]:
        return DateColumn(rows.to_series(), rows.to_series())
    minutes = [] if dates.minutes is None else [dates.minutes.alias("_minutes")]
    looked_up = known.with_columns(dates.days.alias("_day"), dates.cells.alias("_cell"), *minutes)
    found = rows.join(looked_up, on=rows.columns, how="left", nulls_equal=True, maintain_order="left")
    times = None if dates.minutes is None else found["_minutes"]
    return DateColumn(found["_day"], found["_cell"].alias(dates.cells.name), times)


def date_cells(raw: pl.DataFrame, layout: ColumnLayout, config: Config) -> pl.Series:
    """The cells that hold the date, joined where several columns hold its parts; raises UserError when unclear."""
    return raw[layout.ds] if layout.ds in raw.columns else join_date_columns(raw, layout.ds_parts, config)


def read_cells(cells: pl.Series, config: Config, frequency: Frequency | None = None) -> Reading:
    """The day of each cell and its time; raises UserError when the format of the dates is unclear.

    The `frequency` is that of the dates, which decides what doubtful ones mean; None for dates without a rhythm.
    """
    if cells.dtype == pl.Date:
        return Reading(cells)
    if config.source.time_zone:
        cells = on_clock(cells, config.source.time_zone)
    if isinstance(cells.dtype, pl.Datetime):
        return _of_times(cells)
    known = config.stored_formats.get(cells.name)
    with naming_ds_format(config):
        return read_dates(cells.cast(pl.String), config.source.ds_format, frequency, known)


def _of_times(cells: pl.Series) -> Reading:
    """Typed times, by the clock of their column's zone."""
    local = cells.dt.replace_time_zone(None)
    days = local.cast(pl.Date)
    if (local.dt.truncate("1d") == local).all():
        return Reading(days)
    return Reading(days, local.dt.hour().cast(pl.Int16) * 60 + local.dt.minute())


def minutes_of(clock: str) -> int:
    """Minutes after midnight of a time such as 04:00."""
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)
