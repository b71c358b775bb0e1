"""LOADED, the tables that a load writes (panel, what is derived from it, files read), and LOADS, the list of loads.

Each is a TableEntry: columns by config and drivers, key, partitions, export. No rows are read or written here.
"""

from __future__ import annotations

import polars as pl

from forecasting import columns
from forecasting.config import Config
from forecasting.data.schemas.entry import Columns, Export, TableEntry, fixed, typed
from forecasting.features.calendar import events

TIMESTAMP = pl.Datetime("us", "UTC")


def _panel(_: Config, drivers: Columns) -> Columns:
    return typed(columns.PANEL) | dict(drivers)


def _series(config: Config, drivers: Columns) -> Columns:
    statics = {c: drivers[c] for c in config.static_columns if c in drivers}
    return {"unique_id": pl.String, "bucket": pl.Int32} | statics | typed(columns.SERIES)


def _contributions(_: Config, drivers: Columns) -> Columns:
    return {"file": pl.String} | typed(columns.KEYS) | dict(drivers)


LOADED = (
    TableEntry(
        "panel",
        "Every series, period by period, up to its last planned day: cleaned y, y as it came, a flag, the drivers",
        "unique_id ds",
        _panel,
        partition="bucket",
        apart={columns.PLANNED: pl.col("flag") == "ahead"},  # planned days change every night, the past hardly ever
        loaded=True,
    ),
    TableEntry(
        "series",
        "Every series: static columns, first and last day, statistics, and what is wrong with its data",
        "unique_id",
        _series,
        loaded=True,
        export=Export(("unique_id",), row="one row per series"),
    ),
    TableEntry(
        "groups",
        "Sums of the observed y, their count and the mean price of each group of series, period by period",
        "group ds",
        fixed({"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64, "price": pl.Float64}),
        loaded=True,
    ),
    TableEntry(
        "quarantine",
        "Rows of the source and of side tables that broke a rule, as they came",
        "file line rule",
        fixed(
            {"file": pl.String, "line": pl.Int64, "row": pl.String, "rule": pl.String, "value": pl.String}
            | {"loaded": pl.Date, "first_seen": TIMESTAMP}
        ),
        partition="loaded",
        loaded=True,
        export=Export(("file", "line"), row="one row per line and broken rule"),
    ),
    TableEntry(
        "meta",
        "Facts of the lake as a whole, such as its number of buckets",
        "key",
        fixed({"key": pl.String, "value": pl.String}),
        loaded=True,
    ),
    TableEntry(
        "events",
        "Events of calendar.events by day; `table` is the key of the config, `place` is empty when an event is for all",
        "table place ds name",
        fixed(events.SCHEMA),
        loaded=True,
    ),
    TableEntry(
        "files",
        "Files of a landing folder by their names in it; `modified` in ns, `load` is the last one that read the file",
        "file",
        fixed(
            {"file": pl.String, "size": pl.Int64, "modified": pl.Int64, "content": pl.String, "load": pl.Int64}
            | {"loaded_at": TIMESTAMP, "same_as": pl.String}
        ),
        loaded=True,
    ),
    TableEntry(
        "contributions",
        "What each file adds to a row of the panel, for sources whose files may hold lines of the same day",
        "file unique_id ds",
        _contributions,
        loaded=True,
    ),
)
LOADS = TableEntry(
    "loads",
    "Published loads: the version of each table that was written (null: none), the newest day with sales, the rules by "
    "which the panel was made, and the files read, as JSON",
    "load",
    fixed(
        {"load": pl.Int64, "published_at": TIMESTAMP, "last": pl.Date, "rules": pl.String}
        | {"rows_written": pl.Int64, "read": pl.String}
        | dict.fromkeys((entry.name for entry in LOADED), pl.Int64)
    ),
)
