"""Raw rows with the columns of their side tables: `load_with_side_tables` reads both, `join_side_tables` only these.

The first takes the config, the second RawData and the config; both return RawData, as JoinedData (with the checked
tables) where the config names side tables. Rows are neither added nor dropped, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import sources
from forecasting.data.buckets import Portions, Shelf
from forecasting.data.side_tables import unmatched
from forecasting.data.side_tables.contract import check_table
from forecasting.data.side_tables.defaults import fill_defaults
from forecasting.data.side_tables.extra_rows import extra_rows
from forecasting.data.side_tables.lookup import LookupTable, build_lookup
from forecasting.data.side_tables.reader import read_side_table
from forecasting.data.sources import DELETED, KEYS, TAGS, RawData, merge_formats
from forecasting.data.sources.driver_columns import all_drivers


@dataclass(frozen=True)
class SideTables:
    """Side tables in the order in which they are joined, their quarantine, and the account of each by name.

    An account balances the lines of a table (lines = rows + quarantined + duplicates + the sum of dropped) and counts
    what matched nothing once the table is joined (see unmatched.count_unmatched).
    """

    lookups: tuple[LookupTable, ...]
    quarantine: pl.DataFrame
    account: Mapping[str, dict[str, Any]]

    def check_common_keys(self, config: Config) -> None:
        """Raise UserError when a table has no key in common with the rows to which it was joined."""
        for table in self.lookups:
            unmatched.check_common_keys(table, self.account[table.name], config)

    def extra_rows(self, good: pl.DataFrame, config: Config, last_loaded: date | None) -> pl.DataFrame:
        """Rows like `good` for days that only side tables hold (see extra_rows.extra_rows)."""
        return extra_rows(self.lookups, good, config, last_loaded)


@dataclass(frozen=True)
class JoinedData(RawData):
    """Raw rows with the columns of the side tables, and the side tables that were joined to them."""

    tables: SideTables = field(kw_only=True)


def load_with_side_tables(config: Config, shelf: Shelf | None = None) -> RawData:
    """The raw rows of the source with the columns of its side tables, JoinedData where there are any.

    The rows of large tables lie on the `shelf`; not so those to which side tables are joined. Raises UserError when the
    source or a side table cannot be used.
    """
    return join_side_tables(sources.load(config, None if config.tables else shelf), config)


def join_side_tables(raw: RawData, config: Config) -> RawData:
    """The raw rows with the columns of config.tables. Raises UserError when a side table cannot be used, and when one
    matches too few rows.
    """
    if not config.tables:
        return raw
    read = {name: read_side_table(config, name) for name in config.tables}
    checked = {name: check_table(table, config, name) for name, table in read.items()}
    remarks = (*raw.remarks, *(remark for table in read.values() for remark in table.remarks))
    formats = merge_formats(raw.formats, {f"tables.{name}": table.formats for name, table in read.items()})
    lookups = tuple(build_lookup(name, config.tables[name], table.good) for name, table in checked.items())
    long, counts = _add_columns(raw.long, lookups, config)
    account = {name: table.account | counts[name] for name, table in checked.items()}
    tables = SideTables(lookups, pl.concat([table.quarantine for table in checked.values()]), account)
    marks = [DELETED] if DELETED in long.columns else []
    long = long.select(*KEYS, *all_drivers(config), *marks, *TAGS)
    return JoinedData(
        **vars(raw) | {"rows": Portions.of(long), "tables": tables, "remarks": remarks, "formats": formats}
    )


def _add_columns(
    long: pl.DataFrame, lookups: tuple[LookupTable, ...], config: Config
) -> tuple[pl.DataFrame, dict[str, dict[str, Any]]]:
    """The rows with the columns of the tables, and the counts of what matched nothing by name of the table."""
    counts = {}
    for table in lookups:
        found = table.lookup(long)
        counts[table.name] = unmatched.count_unmatched(table, long, found["_matched"])
        unmatched.check_unmatched_share(table, counts[table.name], long, config)
        long = long.with_columns(fill_defaults(table, found, found["_matched"], config))
    return long, counts
