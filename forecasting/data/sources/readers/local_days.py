"""The local day of a moment: cells of any kind as the days on which a shop's clock showed them."""

from __future__ import annotations

import re

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.dates import dates

OFFSET = r":\d{2}(\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})$"
TIME = re.compile("%[HIklTRrcsX+]")


def local_days(cells: pl.Series, config: Config, zone: str | None, stored: str | None) -> pl.Series:
    """The cells as days in the time zone `zone` (None: as they are written): Date, or text where the cells are text.

    Times without a zone of their own are those of `stored` (None: of `zone`). Dates without a time, and texts that
    are no date, come as they are.
    """
    if cells.dtype == pl.Date:
        return cells
    if isinstance(cells.dtype, pl.Datetime):
        return _moved(cells, zone, stored).dt.date()
    unique = cells.cast(pl.String).drop_nulls().unique()
    days = dates(unique, config) if zone is None else _days(unique.str.strip_chars(), config, zone, stored)
    found = pl.DataFrame({"cell": unique, "day": days.dt.to_string("%Y-%m-%d")}).drop_nulls()
    return cells.cast(pl.String).replace(found["cell"], found["day"])


def _days(texts: pl.Series, config: Config, zone: str, stored: str | None) -> pl.Series:
    """Text as local days: by source.ds_format, or ISO dates and times with or without an offset."""
    fmt = config.source.ds_format
    if fmt:
        return _moved(texts.str.to_datetime(fmt, strict=False), zone, stored if TIME.search(fmt) else zone).dt.date()
    frame = texts.to_frame("cell").with_columns(offset=texts.str.contains(OFFSET), time=texts.str.contains(":"))
    chosen = [pl.when(part).then("cell") for part in (pl.col("offset"), ~pl.col("offset") & pl.col("time"))]
    aware, naive = (frame.select(cells.alias("cell")).to_series() for cells in chosen)
    read = [aware.str.to_datetime(None, strict=False, time_zone="UTC"), naive.str.to_datetime(None, strict=False)]
    bare = frame["cell"].str.to_date("%Y-%m-%d", strict=False)
    moved = [_moved(times, zone, stored).dt.date() for times in read]
    return pl.select(pl.coalesce(*moved, bare)).to_series()


def _moved(times: pl.Series, zone: str | None, stored: str | None) -> pl.Series:
    """Moments on the clock of `zone`."""
    if zone is None:
        return times
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is None:
        times = _placed(times, stored or zone)
    return times.dt.convert_time_zone(zone)


def _placed(times: pl.Series, zone: str) -> pl.Series:
    """Naive times as moments; an hour that the clock skipped in spring is the next one."""
    first = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return first.fill_null(
        times.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    )
