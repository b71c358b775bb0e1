"""Local days: `local_days` takes times of any kind and a time zone and returns the days that the shop's clock showed.

`on_clock` returns the times themselves on that clock.

Typed dates and times come back as Date, text cells as ISO text; text that is no date stays as it is, for a later fault.
"""

from __future__ import annotations

import re

import polars as pl

from forecasting.data.sources.readers.dates import read_dates
from forecasting.frequency import FREQS

OFFSET = r":\d{2}(\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})$"
"""The end of a time with an offset from UTC."""
TIME = re.compile("%[HIklTRrcsX+]")
"""Directives of a format that hold a time of day."""


def local_days(
    cells: pl.Series, ds_format: str | None, zone: str | None, stored: str | None, begins: int = 0
) -> pl.Series:
    """The cells as days in the time zone `zone` (None: as they are written): Date, or text where the cells are text.

    Times without an offset are in the zone `stored` (None: in `zone`); a day begins `begins` minutes after midnight.
    Dates without a time, and texts that are no date, are returned unchanged. Text is parsed by `ds_format`; without one
    it is in ISO form, or in an inferred format where `zone` is None too. Raises DateFormatError when none or more than
    one fits.
    """
    if cells.dtype == pl.Date:
        return cells
    if isinstance(cells.dtype, pl.Datetime):
        return _day_of(_in_zone(cells, zone, stored), begins)
    unique = cells.cast(pl.String).drop_nulls().unique()
    if zone is None:
        days = _days_as_written(unique, ds_format, begins)
    else:
        days = _days(unique.str.strip_chars(), ds_format, zone, stored, begins)
    parsed = pl.DataFrame({"cell": unique, "day": days.dt.to_string("%Y-%m-%d")}).drop_nulls()
    return cells.cast(pl.String).replace(parsed["cell"], parsed["day"])


def _days_as_written(texts: pl.Series, ds_format: str | None, begins: int) -> pl.Series:
    """Text as days; sales of many days in a row decide between day/month and month/day."""
    reading = read_dates(texts, ds_format, FREQS["1d"])
    if reading.minutes is None or not begins:
        return reading.dates
    times = reading.dates.cast(pl.Datetime("us")) + pl.select(pl.duration(minutes=pl.lit(reading.minutes))).to_series()
    return _day_of(times, begins)


def _day_of(times: pl.Series, begins: int) -> pl.Series:
    """The day of each time, when a day begins so many minutes after midnight."""
    return (times.dt.offset_by(f"-{begins}m") if begins else times).dt.date()


def _days(texts: pl.Series, ds_format: str | None, zone: str, stored: str | None, begins: int) -> pl.Series:
    """Text as local days: by `ds_format`, or ISO dates and times with or without an offset."""
    if ds_format:
        stored = stored if TIME.search(ds_format) else zone
        return _day_of(_in_zone(texts.str.to_datetime(ds_format, strict=False), zone, stored), begins)
    frame = texts.to_frame("cell").with_columns(offset=texts.str.contains(OFFSET), time=texts.str.contains(":"))
    parts = [pl.when(part).then("cell") for part in (pl.col("offset"), ~pl.col("offset") & pl.col("time"))]
    aware, naive = (frame.select(cells.alias("cell")).to_series() for cells in parts)
    times = [aware.str.to_datetime(None, strict=False, time_zone="UTC"), naive.str.to_datetime(None, strict=False)]
    dates = frame["cell"].str.to_date("%Y-%m-%d", strict=False)
    days = [_day_of(_in_zone(part, zone, stored), begins) for part in times]
    return pl.select(pl.coalesce(*days, dates)).to_series()


def _in_zone(times: pl.Series, zone: str | None, stored: str | None) -> pl.Series:
    """Times on the clock of `zone`."""
    if zone is None:
        return times
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is None:
        times = _localized(times, stored or zone)
    return times.dt.convert_time_zone(zone)


def _localized(times: pl.Series, zone: str) -> pl.Series:
    """Naive times as times of `zone`; one in the hour that the clock skips in spring is an hour later."""
    localized = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return localized.fill_null(
        times.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    )


def on_clock(cells: pl.Series, zone: str) -> pl.Series:
    """Times that name their zone or offset, on the clock of `zone`: Datetime without a zone, or text in ISO form.

    All other cells are returned as they are.
    """
    if isinstance(cells.dtype, pl.Datetime):
        zoned = cells.dtype.time_zone is not None
        return cells.dt.convert_time_zone(zone).dt.replace_time_zone(None) if zoned else cells
    if cells.dtype != pl.String:
        return cells
    aware = cells.drop_nulls().unique()
    aware = aware.filter(aware.str.contains(OFFSET))
    local = aware.str.strip_chars().str.to_datetime(None, strict=False, time_zone="UTC").dt.convert_time_zone(zone)
    known = local.is_not_null()
    texts = local.filter(known).dt.to_string("%Y-%m-%d %H:%M:%S")
    return cells.replace(aware.filter(known), texts) if len(texts) else cells
