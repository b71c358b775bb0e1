"""Keys that the sales and a side table do not have in common: counted, and limited by limits.unmatched.

`count_unmatched` takes a LookupTable, raw rows and a mask of matched ones, and returns a dict {unmatched,
unmatched_keys, example, unused_keys}; the checks take these counts, return nothing and raise UserError.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.side_tables.lookup import LookupTable
from forecasting.data.sources.names import as_names


def count_unmatched(table: LookupTable, long: pl.DataFrame, matched: pl.Series) -> dict[str, Any]:
    """Counts of what the rows of the sales and a table do not have in common; unreadable rows are not counted.

    unmatched: rows without a match; example: the keys of the first one, None without any; unmatched_keys: distinct keys
    (days, for a table without other keys) of the sales that the table does not hold; unused_keys: keys of the table
    that no row of the sales has.
    """
    rows = long.select("ds", *table.spec.on, matched, readable=pl.col("fault").is_null()).filter("readable")
    sales_keys, table_keys = _sales_keys(rows, table), _table_keys(rows, table)
    missed = rows.filter(~pl.col("_matched"))
    return {
        "unmatched": missed.height,
        "unmatched_keys": sales_keys.join(table_keys, on=table_keys.columns, how="anti").height,
        "example": _first_key(missed, table) if missed.height else None,
        "unused_keys": table_keys.join(sales_keys, on=table_keys.columns, how="anti").height,
    }


def _table_keys(rows: pl.DataFrame, table: LookupTable) -> pl.DataFrame:
    """The distinct keys of the table; its days within those of the sales where it has dates alone."""
    if table.spec.on:
        return table.keys.drop("_key")
    if table.spec.start:
        return rows.filter("_matched").select("ds").unique()
    return table.frame.select("ds").unique().filter(pl.col("ds").is_between(rows["ds"].min(), rows["ds"].max()))


def _sales_keys(rows: pl.DataFrame, table: LookupTable) -> pl.DataFrame:
    """The distinct keys of the sales, written as the table writes them."""
    if not table.spec.on:
        return rows.select("ds").unique()
    distinct = rows.select(list(table.spec.on)).unique()
    return distinct.select(as_names(distinct[c]) for c in table.spec.on).unique()


def _first_key(rows: pl.DataFrame, table: LookupTable) -> str:
    keys = [*table.spec.on, *(["ds"] if table.spec.dated else [])]
    return ", ".join(f"{key}={rows[key][0]}" for key in keys)


def check_unmatched_share(table: LookupTable, counts: dict[str, Any], long: pl.DataFrame, config: Config) -> None:
    """Raise UserError when a table without defaults (`missing`) has no match for more rows than limits.unmatched."""
    rows = long.filter(pl.col("fault").is_null()).height
    if not table.spec.missing and counts["unmatched"] > config.limits.unmatched * rows:
        raise config.fault(
            "limits.unmatched",
            f"the table {table.name} has no match for {counts['unmatched']} of {rows} rows "
            f"({counts['unmatched'] / rows:.1%}), first for {counts['example']}, and at most "
            f"{config.limits.unmatched:.1%} may lack one: complete the table, give under tables.{table.name}.missing "
            "what a row without a match gets, or raise the limit",
        )


def check_common_keys(table: LookupTable, counts: dict[str, Any], config: Config) -> None:
    """Raise UserError when a table without defaults (`missing`) has no key in common with the sales: then the keys are
    written in different ways.
    """
    unused_all = counts["unused_keys"] >= table.keys.height
    if table.spec.missing or not table.spec.on or not counts["unmatched"] or not unused_all:
        return
    first = ", ".join(f"{c}={table.keys[c][0]}" for c in table.spec.on) if table.keys.height else "nothing"
    raise config.fault(
        f"tables.{table.name}.on",
        f"the table and the sales have no key in common: the sales hold {counts['example']}, the table {first}: "
        "name the columns that mean the same, or write the keys alike",
    )
