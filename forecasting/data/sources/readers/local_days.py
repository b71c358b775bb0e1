"""Local days: `local_days` takes times of any kind and a time zone and returns the days that the shop's clock showed.

Typed dates and times come back as Date, text cells as ISO text; text that is no date stays as it is, for a later fault.
"""

from __future__ import annotations

import re

import polars as pl

from forecasting.data.sources.readers.dates import parse_dates

OFFSET = r":\d{2}(\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})$"
"""The end of a time with an offset from UTC."""
TIME = re.compile("%[HIklTRrcsX+]")
"""Directives of a format that hold a time of day."""


def local_days(cells: pl.Series, ds_format: str | None, zone: str | None, stored: str | None) -> pl.Series:
    """The cells as days in the time zone `zone` (None: as they are written): Date, or text where the cells are text.

    Times without an offset are in the zone `stored` (None: in `zone`). Dates without a time, and texts that are no
    date, are returned unchanged. Text is parsed by `ds_format`; without one it is in ISO form, or in an inferred format
    where `zone` is None too. Raises DateFormatError when none or more than one fits.
    """
    if cells.dtype == pl.Date:
        return cells
    if isinstance(cells.dtype, pl.Datetime):
        return _in_zone(cells, zone, stored).dt.date()
    unique = cells.cast(pl.String).drop_nulls().unique()
    days = parse_dates(unique, ds_format) if zone is None else _days(unique.str.strip_chars(), ds_format, zone, stored)
    parsed = pl.DataFrame({"cell": unique, "day": days.dt.to_string("%Y-%m-%d")}).drop_nulls()
    return cells.cast(pl.String).replace(parsed["cell"], parsed["day"])


def _days(texts: pl.Series, ds_format: str | None, zone: str, stored: str | None) -> pl.Series:
    """Text as local days: by `ds_format`, or ISO dates and times with or without an offset."""
    if ds_format:
        stored = stored if TIME.search(ds_format) else zone
        return _in_zone(texts.str.to_datetime(ds_format, strict=False), zone, stored).dt.date()
    frame = texts.to_frame("cell").with_columns(offset=texts.str.contains(OFFSET), time=texts.str.contains(":"))
    parts = [pl.when(part).then("cell") for part in (pl.col("offset"), ~pl.col("offset") & pl.col("time"))]
    aware, naive = (frame.select(cells.alias("cell")).to_series() for cells in parts)
    times = [aware.str.to_datetime(None, strict=False, time_zone="UTC"), naive.str.to_datetime(None, strict=False)]
    dates = frame["cell"].str.to_date("%Y-%m-%d", strict=False)
    days = [_in_zone(part, zone, stored).dt.date() for part in times]
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
