"""FEATURE_TABLES, the tables of the feature store: versions of feature tables and training sets, rows, statistics.

`feature_rows_table` takes the types of features by name and returns the table `feature_rows` with a column for each.
Columns and keys only: no rows are read or written here.
"""

from __future__ import annotations

import polars as pl

from forecasting.columns import FEATURE_ROWS as OWN_OF_ROWS
from forecasting.columns import PANEL
from forecasting.data.schemas.entry import Columns, TableEntry, fixed, typed
from forecasting.data.schemas.load_tables import TIMESTAMP
from forecasting.io.table import Table

BUILD = {
    "data_version": pl.Int64,
    "recipe": pl.String,
    "code": pl.String,
    "build": pl.String,
    "columns": pl.String,
    "content": pl.String,
    "rows": pl.Int64,
    "built_at": TIMESTAMP,
}
"""Where feature rows come from and where they lie; `columns` is JSON, `content` is a hash of their values."""
STATISTICS = ("mean", "std", "min", "q05", "q25", "q50", "q75", "q95", "max", "correlation")


def _feature_rows(features: Columns) -> Columns:
    names, types = (
        ("build", "bucket", "unique_id", "ds", "event_time", "lead", "y", "level"),
        typed(PANEL | OWN_OF_ROWS),
    )
    return {name: types[name] for name in names} | dict(features)


FEATURE_ROWS = TableEntry(
    "feature_rows",
    "Rows of all feature tables and training sets, by the build that made them; one further column per feature",
    "build unique_id ds",
    fixed(_feature_rows({})),
    partition="build bucket",
)
FEATURE_TABLES = (
    TableEntry(
        "features",
        "Versions of feature tables; the row is written last and makes the rows of its build visible",
        "name version",
        fixed(
            {"name": pl.String, "version": pl.Int64, "kind": pl.String, "description": pl.String, "key": pl.String}
            | {"event_time": pl.String, "lead": pl.Int32, "first": pl.Date, "last": pl.Date, "cutoff": pl.Date}
            | BUILD
        ),
    ),
    TableEntry(
        "training_sets",
        "Versions of training sets: rows of the days first..last with what was known on the last one",
        "name version",
        fixed(
            {"name": pl.String, "version": pl.Int64, "feature_version": pl.Int64, "lead": pl.Int32}
            | {"first": pl.Date, "last": pl.Date, "cutoff": pl.Date}
            | BUILD
        ),
    ),
    FEATURE_ROWS,
    TableEntry(
        "feature_stats",
        "Distribution of each feature in a build and its correlation with the target; histograms are JSON",
        "build feature",
        fixed(
            {"build": pl.String, "feature": pl.String, "n": pl.Int64, "nulls": pl.Int64}
            | dict.fromkeys(STATISTICS, pl.Float64)
            | {"histogram": pl.String, "correlations": pl.String}
        ),
    ),
)


def feature_rows_table(features: Columns) -> Table:
    """The table `feature_rows` with a column for each of `features` (name -> type)."""
    return FEATURE_ROWS.with_columns(_feature_rows(features))
