"""Own tables of events: read whole, checked, and told by day, as features look them up."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import Events
from forecasting.data.sources.long_frame import Faults, as_names, parse_days
from forecasting.data.sources.readers.text_table import TextTable
from forecasting.data.sources.table_files import RawTable, open_tables
from forecasting.errors import UserError
from forecasting.features.calendar.events import SCHEMA, place_of

LONGEST = timedelta(days=3660)
"""An event that lasts longer is a mistake in a date."""


def load_events(config: Config) -> pl.DataFrame:
    """All events of the config as rows of SCHEMA, sorted and unique; raises UserError for files, columns and cells that
    cannot be read: the tables are small, and an event that is left out would go unnoticed.
    """
    parts = [_table(config, name, told) for name, told in config.calendar.events.items()]
    return pl.concat([SCHEMA.to_frame(), *parts]).unique().sort(pl.all())


def _table(config: Config, name: str, told: Events) -> pl.DataFrame:
    key = f"calendar.events.{name}"
    own = config.beside(told.path, told.ds_format, key)
    dates = {"ds": told.ds, "start": told.start, "end": told.end}
    wanted = {c: f"{key}.{part}" for part, c in (dates | {"name": told.name}).items() if c}
    wanted |= dict.fromkeys(told.on, f"{key}.on")
    raw = pl.concat([_cells(table, own, wanted) for table in open_tables(own)], how="vertical_relaxed")
    if told.name:  # a calendar has rows for days without an event, too
        raw = raw.with_columns(as_names(raw[told.name])).filter(pl.col(told.name).is_not_null())
    rows = raw.select(
        "file",
        "line",
        _days(raw, told.ds or told.start, own).alias("first"),
        _days(raw, told.end or told.ds or told.start, own).alias("last"),
        pl.col(told.name).alias("name") if told.name else pl.lit(name).alias("name"),
        place_of(told.on).alias("place"),
    )
    rows = _by_day(rows)
    return rows.select(pl.lit(name).alias("table"), *SCHEMA.names()[1:])


def _cells(table: RawTable, own: Config, wanted: dict[str, str]) -> pl.DataFrame:
    """The wanted columns of a file, with file and line; names of places as text."""
    for column, key in wanted.items():
        if column not in table.names:
            raise own.fault(key, f"{table.file} has no column {column!r}; it has: {', '.join(table.names)}")
    if isinstance(table, TextTable) and table.broken.height:
        line = table.broken["line"][0]
        raise UserError(f"{table.file}, line {line}: has not as many cells as the header: mend the line")
    raw = table.cells(list(wanted))
    return raw.with_columns(as_names(raw[c]) for c, key in wanted.items() if key.endswith(".on"))


def _days(raw: pl.DataFrame, column: str | None, own: Config) -> pl.Series:
    """The dates of a column; raises UserError with file and line where there is none."""
    cells = raw[str(column)]
    faults: Faults = []
    read = parse_days(cells, own, faults)
    bad = raw.filter(read.is_null())
    if bad.height:
        row = bad.row(0, named=True)
        raise UserError(
            f"{row['file']}, line {row['line']}: {column} is {row[str(column)]!r}, not a date: mend the cell"
        )
    return read


def _by_day(rows: pl.DataFrame) -> pl.DataFrame:
    """A row for every day from first to last; raises UserError for an end before its start, and an endless event."""
    lasts = pl.col("last") - pl.col("first")
    wrong = rows.filter((lasts < timedelta(0)) | (lasts > LONGEST))
    if wrong.height:
        row = wrong.row(0, named=True)
        where = f"{row['file']}, line {row['line']}"
        raise UserError(f"{where}: {row['name']} lasts from {row['first']} to {row['last']}: mend the dates")
    return rows.with_columns(ds=pl.date_ranges("first", "last")).explode("ds")
