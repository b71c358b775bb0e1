"""Further tables (stores, items, events, prices, promotions, stock): read, held to a contract, joined to the rows."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from forecasting.config import Config
from forecasting.data.side_tables.contract import check_table
from forecasting.data.side_tables.matching import build_lookup
from forecasting.data.side_tables.reader import read_table
from forecasting.data.side_tables.tables import Tables
from forecasting.data.sources import DELETED, KEYS, TAGS, Loaded
from forecasting.data.sources.long_frame import all_drivers

__all__ = ["Tables", "join_tables"]


def join_tables(loaded: Loaded, config: Config) -> Loaded:
    """The load with the columns of the tables; raises UserError when a table cannot be used."""
    if not config.tables:
        return loaded
    kept = {name: check_table(read_table(config, name), config, name) for name in config.tables}
    sides = tuple(build_lookup(name, config.tables[name], k.good) for name, k in kept.items())
    bad = pl.concat([k.quarantine for k in kept.values()])
    tables = Tables(sides, bad, {name: k.account for name, k in kept.items()})
    long, tables = tables.joined(loaded.long, config)
    marks = [DELETED] if DELETED in long.columns else []
    return replace(loaded, long=long.select(*KEYS, *all_drivers(config), *marks, *TAGS), tables=tables)
