"""Event tables of the config (calendar.events): `load_events` reads their files, checks them and lays them out by day.

It takes the config and returns the rows of the table `events` [table, place, ds, name], one per event, place and day;
it does not write them, and makes no features of them.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import Events
from forecasting.data.sources.long_frame import Faults, parse_days
from forecasting.data.sources.names import as_names, id_names
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.data.sources.table_files import open_tables
from forecasting.data.sources.tables.spelling import RawTable, with_columns
from forecasting.errors import UserError
from forecasting.features.calendar.events import SCHEMA, place_of

LONGEST = timedelta(days=3660)
"""An event that lasts longer has a mistake in one of its dates."""


def load_events(config: Config) -> pl.DataFrame:
    """All events of the config, one row of SCHEMA per event and day, sorted and unique.

    Raises UserError for every file, column and cell that cannot be read: an event that is left out would go unnoticed.
    """
    parts = [_events_of_table(config, name, spec) for name, spec in config.calendar.events.items()]
    return pl.concat([SCHEMA.to_frame(), *parts]).unique().sort(pl.all())


def _events_of_table(config: Config, name: str, spec: Events) -> pl.DataFrame:
    key = f"calendar.events.{name}"
    table_config = config.with_source_file(spec.path, spec.ds_format, key)
    dates = {"ds": spec.ds, "start": spec.start, "end": spec.end}
    wanted = {c: f"{key}.{part}" for part, c in (dates | {"name": spec.name}).items() if c}
    wanted |= dict.fromkeys(spec.on, f"{key}.on")
    tables = with_columns(table_config, open_tables(table_config, list(wanted)), wanted)
    raw = pl.concat([_cells(table, wanted) for table in tables], how="vertical_relaxed")
    raw = raw.with_columns(id_names(raw[c], config) for c in spec.on if c in config.id_columns)
    if spec.name:  # a calendar has rows for days without an event, too
        raw = raw.with_columns(as_names(raw[spec.name])).filter(pl.col(spec.name).is_not_null())
    rows = raw.select(
        "file",
        "line",
        _dates(raw, spec.ds or spec.start, table_config).alias("first"),
        _dates(raw, spec.end or spec.ds or spec.start, table_config).alias("last"),
        pl.col(spec.name).alias("name") if spec.name else pl.lit(name).alias("name"),
        place_of(spec.on).alias("place"),
    )
    rows = _one_row_per_day(rows)
    return rows.select(pl.lit(name).alias("table"), *SCHEMA.names()[1:])


def _cells(table: RawTable, wanted: dict[str, str]) -> pl.DataFrame:
    """The wanted columns of a file (name -> key of the config), with file and line; names of places as text."""
    if isinstance(table, TextTable) and table.broken.height:
        line = table.broken["line"][0]
        raise UserError(f"{table.file}, line {line}: has not as many cells as the header: mend the line")
    raw = table.cells(list(wanted))
    return raw.with_columns(as_names(raw[c]) for c, key in wanted.items() if key.endswith(".on"))


def _dates(raw: pl.DataFrame, column: str | None, table_config: Config) -> pl.Series:
    """The dates of a column. Raises UserError with file and line where a cell holds no date."""
    cells = raw[str(column)]
    faults: Faults = []
    parsed = parse_days(cells, table_config, faults)
    bad = raw.filter(parsed.is_null())
    if bad.height:
        row = bad.row(0, named=True)
        raise UserError(
            f"{row['file']}, line {row['line']}: {column} is {row[str(column)]!r}, not a date: mend the cell"
        )
    return parsed


def _one_row_per_day(rows: pl.DataFrame) -> pl.DataFrame:
    """A row for every day from first to last. Raises UserError for an event that ends before it starts, or lasts longer
    than LONGEST.
    """
    duration = pl.col("last") - pl.col("first")
    wrong = rows.filter((duration < timedelta(0)) | (duration > LONGEST))
    if wrong.height:
        row = wrong.row(0, named=True)
        where = f"{row['file']}, line {row['line']}"
        raise UserError(f"{where}: {row['name']} lasts from {row['first']} to {row['last']}: mend the dates")
    return rows.with_columns(ds=pl.date_ranges("first", "last")).explode("ds")
