"""The driver columns that a config names: `source_drivers` returns {column: config key that names it}, reading no data.

Id, static, known-ahead, known-after and role columns (price, promo, ...) are drivers; columns of side tables are left
out. `numeric_drivers` are those that must be numbers; `require_drivers` raises UserError when a source lacks one.
"""

from __future__ import annotations

from collections.abc import Iterable

from forecasting.config import Config
from forecasting.data.schemas import QUALITY_COUNTS
from forecasting.data.sources.raw_data import KEYS, TAGS

RESERVED = (*TAGS, "bucket", "y_raw", "flag", "cutoff", "yhat", "closed", "level", "group", "model", "total")
"""Names of columns of the panel and of other tables, which a driver cannot have."""
SERIES_COLUMNS = (
    "start",
    "first",
    "last",
    "n",
    "first_row",
    "last_row",
    "rows",
    "longest_gap",
    "mean",
    "zeros",
    "demand_class",
    *QUALITY_COUNTS,
    "periods",
    "life",
    "verdict",
)
"""Columns of the table `series`, besides the static columns; they are no names of drivers either."""


def source_drivers(config: Config) -> dict[str, str]:
    """Driver column -> the config key that names it, without the columns that side tables provide.

    Raises UserError for a column with a reserved name.
    """
    from_side_tables = {column for table in config.tables.values() for column in table.columns}
    return {column: key for column, key in all_drivers(config).items() if column not in from_side_tables}


def all_drivers(config: Config) -> dict[str, str]:
    """Driver column -> the config key that names it first; raises UserError for a column with a reserved name."""
    roles = config.columns
    named = {"columns.known_ahead": roles.known_ahead, "columns.known_after": roles.known_after}
    named |= {"columns.static": roles.static, "source.columns.unique_id": config.id_columns}
    named |= {f"columns.{r}": _as_tuple(getattr(roles, r)) for r in ("price", "cost", "promo", "open", "stock")}
    drivers: dict[str, str] = {}
    for key, columns in named.items():
        drivers |= {c: key for c in columns if c not in drivers}
    for column in set(drivers) & {*RESERVED, *SERIES_COLUMNS, *QUALITY_COUNTS}:
        raise config.fault(drivers[column], f"{column} is a name that the panel needs for itself: rename the column")
    return drivers


def _as_tuple(column: str | None) -> tuple[str, ...]:
    return (column,) if column else ()


def require_drivers(config: Config, columns: Iterable[str], source: str) -> None:
    """Raise UserError for a driver of the config that is not among `columns`; the message names the `source`."""
    names = list(columns)
    for column, key in source_drivers(config).items():
        if column not in names:
            raise config.fault(key, f"{source} has no column {column!r}; it has: {', '.join(names)}")


def numeric_drivers(config: Config) -> set[str]:
    """The drivers of the source that must be numbers: price, cost, promo, open and stock."""
    roles, drivers = config.columns, source_drivers(config)
    return {c for c in (roles.price, roles.cost, roles.promo, roles.open, roles.stock) if c and c in drivers}


def long_frame_columns(config: Config) -> list[str]:
    """The columns of a long frame in their order: unique_id, ds, y, the drivers of the source and the tags."""
    return [*KEYS, *source_drivers(config), *TAGS]
