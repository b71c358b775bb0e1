"""The registry of tables: one entry per table, from which schemas, load behaviour and exports follow.

`tables` takes the config and the types of its driver columns and returns {name: Table}; no rows are read or written.
A new table is one entry in load_tables, forecast_tables, feature_tables, action_tables, serving_tables or
monitoring_tables.
"""

from __future__ import annotations

from forecasting.config import Config
from forecasting.data.schemas.action_tables import ACTION_TABLES
from forecasting.data.schemas.entry import Columns, Export, TableEntry
from forecasting.data.schemas.feature_tables import FEATURE_TABLES, feature_rows_table
from forecasting.data.schemas.forecast_tables import (
    AGGREGATE_BUCKET,
    FORECAST_TABLES,
    ROLLUP_FIGURES,
    interval_columns,
)
from forecasting.data.schemas.lever_table import LEVER_TABLE
from forecasting.data.schemas.load_tables import LOADED, LOADS
from forecasting.data.schemas.monitoring_tables import MONITORING_TABLES
from forecasting.data.schemas.serving_tables import SERVING_TABLES
from forecasting.io.table import Table

__all__ = [
    "AGGREGATE_BUCKET",
    "COMPUTED_EXPORTS",
    "ENTRIES",
    "EXPORTS",
    "LOADED_TABLES",
    "ROLLUP_FIGURES",
    "Export",
    "TableEntry",
    "feature_rows_table",
    "interval_columns",
    "tables",
]

ENTRIES: dict[str, TableEntry] = {
    entry.name: entry
    for entry in (
        *LOADED,
        LOADS,
        *FORECAST_TABLES,
        LEVER_TABLE,
        *MONITORING_TABLES,
        *FEATURE_TABLES,
        *ACTION_TABLES,
        *SERVING_TABLES,
    )
}
"""Every table by its name."""
LOADED_TABLES = tuple(name for name, entry in ENTRIES.items() if entry.loaded)
"""The tables that a load writes: a row in `loads`, committed last, makes their versions visible, all at once."""
COMPUTED_EXPORTS = {
    "sums": Export(
        ("grain", "unique_id", "periods"),
        row="one row per sum over the first `periods` {}s, which ends with `last`",
        cutoff="vintage",
    )
}
"""Exports that are computed from a table and not stored as one."""
EXPORTS = {name: entry.export for name, entry in ENTRIES.items() if entry.export} | COMPUTED_EXPORTS
"""What may be exported, by the name by which it is exported."""


def tables(config: Config, drivers: Columns | None = None) -> dict[str, Table]:
    """All tables of a config by name; `drivers` are the types of its known-ahead, known-after and static columns."""
    return {name: entry.table(config, drivers or {}) for name, entry in ENTRIES.items()}
