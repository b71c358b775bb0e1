"""The driver columns that a config names: `source_drivers` returns {column: config key that names it}, reading no data.

Id, static, known-ahead, known-after and role columns (price, promo, ...) are drivers; columns of side tables are left
out. `numeric_drivers` are those that must be numbers; `require_drivers` raises UserError when a source lacks one.
"""

from __future__ import annotations

from collections.abc import Iterable

from forecasting.config import Config
from forecasting.data.sources.raw_data import KEYS, TAGS


def source_drivers(config: Config) -> dict[str, str]:
    """Driver column -> the config key that names it, without the columns that side tables provide."""
    from_side_tables = {column for table in config.tables.values() for column in table.columns}
    return {column: key for column, key in all_drivers(config).items() if column not in from_side_tables}


def all_drivers(config: Config) -> dict[str, str]:
    """Driver column -> the config key that names it first."""
    roles = config.columns
    named = {"columns.known_ahead": roles.known_ahead, "columns.known_after": roles.known_after}
    named |= {"columns.static": roles.static, "source.columns.unique_id": config.id_columns}
    named |= {f"columns.{r}": _as_tuple(getattr(roles, r)) for r in ("price", "cost", "promo", "open", "stock")}
    drivers: dict[str, str] = {}
    for key, columns in named.items():
        drivers |= {c: key for c in columns if c not in drivers}
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
