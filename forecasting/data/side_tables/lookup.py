"""Lookup of a side table's columns for given rows: by key, by key and day, or by key and range of days.

`build_lookup` takes the good rows of a table and returns a LookupTable; `LookupTable.lookup` takes rows and returns
[columns of the table, _matched], one row for each of them, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config.sections import SideTable
from forecasting.data.side_tables.ranges import OPEN_END, split_overlaps
from forecasting.data.sources.names import as_names

ROW = "_row"


@dataclass(frozen=True)
class LookupTable:
    """A side table that keeps its contract, indexed for lookups.

    `keys` holds the distinct values of the columns of `on` (String) and their number _key. `frame` holds _key, the
    table's columns, and ds where rows are of a day, or ds and _end (the first and last day) where they are of a range;
    ranges do not overlap. `until` is the last day of the table, None for tables without dates and open ends.
    """

    name: str
    spec: SideTable
    keys: pl.DataFrame
    frame: pl.DataFrame
    until: date | None

    @property
    def columns(self) -> list[str]:
        return list(self.spec.columns)

    def lookup(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The table's columns and _matched (Boolean) for each row, in the order of the rows; `rows` holds the columns
        of `on`, and ds.
        """
        wanted = rows.select(*(as_names(rows[c]) for c in self.spec.on), *(["ds"] if self.spec.dated else []))
        wanted = _add_key_numbers(wanted, self.keys)
        if self.spec.start:
            return _lookup_ranges(wanted, self.frame, self.columns)
        days = ["ds"] if self.spec.dated else []
        marked = self.frame.with_columns(pl.lit(value=True).alias("_matched"))
        found = wanted.join(marked, on=["_key", *days], how="left", maintain_order="left")
        return found.select(*self.columns, pl.col("_matched").fill_null(value=False))


def build_lookup(name: str, spec: SideTable, good: pl.DataFrame) -> LookupTable:
    """The lookup table of good rows [columns of `on` (String), ds and _end where the config names them, columns]."""
    keys = good.select(list(spec.on)).unique(maintain_order=True) if spec.on else pl.DataFrame()
    keys = keys.with_row_index("_key") if spec.on else keys
    frame = _add_key_numbers(good, keys)
    if not spec.start:
        dates = ["ds"] if spec.ds else []
        return LookupTable(name, spec, keys, frame.select("_key", *dates, *spec.columns), _last_day(good["ds"]))
    if "_end" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.Date).alias("_end"))
    frame = split_overlaps(frame.select("_key", "ds", "_end", *spec.columns))
    return LookupTable(name, spec, keys, frame, _last_day(frame["_end"]))


def _last_day(days: pl.Series) -> date | None:
    last = days.max()
    return last if isinstance(last, date) and last < OPEN_END else None


def _add_key_numbers(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """The rows with _key, null for keys that are not in `keys`: one number is joined faster than several texts."""
    if not keys.width:
        return rows.with_columns(pl.lit(0, pl.UInt32).alias("_key"))
    return rows.join(keys, on=[c for c in keys.columns if c != "_key"], how="left", maintain_order="left")


def _lookup_ranges(wanted: pl.DataFrame, ranges: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    rows = wanted.with_row_index(ROW).select(ROW, "_key", "ds").drop_nulls().sort("ds")
    # sorted by day within each key, which is enough, and which Polars cannot check
    found = rows.join_asof(
        ranges.rename({"ds": "_start"}).sort("_start"),
        left_on="ds",
        right_on="_start",
        by="_key",
        strategy="backward",
        check_sortedness=False,
    )
    found = found.filter((pl.col("ds") <= pl.col("_end")).fill_null(value=False))
    found = found.select(ROW, *columns, pl.lit(value=True).alias("_matched"))
    every = wanted.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias(ROW))
    matched = every.join(found, on=ROW, how="left", maintain_order="left")
    return matched.select(*columns, pl.col("_matched").fill_null(value=False))
