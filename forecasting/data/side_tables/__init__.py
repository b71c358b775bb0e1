"""Further tables (stores, items, events, prices, promotions, stock): read, held to a contract, joined to the rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from forecasting.config import Config
from forecasting.data import sources
from forecasting.data.side_tables.contract import check_table
from forecasting.data.side_tables.matching import build_lookup
from forecasting.data.side_tables.reader import read_table
from forecasting.data.side_tables.tables import Tables
from forecasting.data.sources import DELETED, KEYS, TAGS, RawData
from forecasting.data.sources.driver_columns import all_drivers

__all__ = ["JoinedData", "Tables", "join_tables", "load_with_side_tables"]


@dataclass(frozen=True)
class JoinedData(RawData):
    """Raw rows with the columns of the side tables, and the side tables that were joined to them."""

    tables: Tables = field(kw_only=True)


def load_with_side_tables(config: Config) -> RawData:
    """The raw rows of the source with the columns of its side tables: JoinedData where the config has any.

    Raises UserError when the source or a side table cannot be used.
    """
    return join_tables(sources.load(config), config)


def join_tables(raw: RawData, config: Config) -> RawData:
    """The raw rows with the columns of config.tables; raises UserError when a table cannot be used."""
    if not config.tables:
        return raw
    kept = {name: check_table(read_table(config, name), config, name) for name in config.tables}
    sides = tuple(build_lookup(name, config.tables[name], k.good) for name, k in kept.items())
    bad = pl.concat([k.quarantine for k in kept.values()])
    tables = Tables(sides, bad, {name: k.account for name, k in kept.items()})
    long, tables = tables.joined(raw.long, config)
    marks = [DELETED] if DELETED in long.columns else []
    long = long.select(*KEYS, *all_drivers(config), *marks, *TAGS)
    return JoinedData(**vars(raw) | {"long": long, "tables": tables})
