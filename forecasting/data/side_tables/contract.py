"""The contract of a side table: rows that break it go to the quarantine like those of the sales.

`check_table` takes the SideTableRows of a table and returns a CheckedTable (good rows, quarantine, account of lines);
it raises UserError when too many rows are bad. It joins and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import SideTable
from forecasting.data.contracts import limits
from forecasting.data.contracts.quarantine import drop_bad_rows, quarantine_rows, split_duplicates, unreadable_rows
from forecasting.data.contracts.raw_rows import is_between, is_finite, rule_violations
from forecasting.data.side_tables.reader import SideTableRows
from forecasting.data.sources import TAGS

if TYPE_CHECKING:
    import pandera.polars as pa

RULES = (
    "missing_key",
    "implausible_date",
    "start_after_end",
    "non_finite",
    "negative_price",
    "negative_stock",
)
"""Rules of a single row; there are also the faults of reading and `conflicting_duplicate`. In the quarantine they are
preceded by the name of the table: prices.negative_price.
"""


@dataclass(frozen=True)
class CheckedTable:
    """The good rows of a table, its quarantine, and its account: lines = rows + quarantined + duplicates + dropped."""

    good: pl.DataFrame
    quarantine: pl.DataFrame
    account: dict[str, Any]


def check_table(raw: SideTableRows, config: Config, name: str) -> CheckedTable:
    """Split the rows of a table into good ones and quarantine. Raises UserError when too many rows are bad."""
    table = config.tables[name]
    rows = raw.frame
    bad = unreadable_rows(rows)
    readable = drop_bad_rows(rows, bad)
    bad = pl.concat([bad, rule_violations(readable, _schema(readable, table, config), RULES)])
    single, conflicts, dropped_repeats = _split_duplicates(drop_bad_rows(readable, bad), table)
    repeats = dropped_repeats.height
    named = {"rule": pl.format("{}.{}", pl.lit(name), "rule"), "value": pl.col("value").str.strip_prefix("_")}
    bad = pl.concat([bad, conflicts]).with_columns(**named)
    limits.check_quarantined_share(rows.height, bad, config, f"rows of the table {name}")
    dropped = dict(raw.dropped)
    account = {"rows": single.height, "quarantined": bad.height, "duplicates": repeats, "dropped": dropped}
    lines = rows.height + sum(dropped.values())
    if rows.height != single.height + bad.height + repeats:
        raise AssertionError(f"the lines of the table {name} do not add up: {lines} are not {account}")
    return CheckedTable(single.drop(TAGS), quarantine_rows(raw.reread, bad), {"lines": lines} | account)


def _schema(rows: pl.DataFrame, table: SideTable, config: Config) -> pa.DataFrameSchema:
    """Keys and dates without nulls, plausible dates in order, finite numbers, no price or stock below 0."""
    import pandera.polars as pa

    first, last = config.limits.dates
    columns = {column: pa.Column(pl.String) for column in table.on}
    if table.dated:
        columns["ds"] = pa.Column(pl.Date, pa.Check(is_between(first, last), error="implausible_date"))
    if table.end:
        columns["_end"] = pa.Column(pl.Date, pa.Check(_is_after_start, error="start_after_end"), nullable=True)
    rules = dict.fromkeys(filter(None, (config.columns.price, config.columns.cost)), "negative_price")
    rules |= {config.columns.stock: "negative_stock"} if config.columns.stock else {}
    for column in table.columns:
        kind = rows.schema[column]
        checks = [pa.Check(is_finite, error="non_finite")] if kind.is_float() else []
        checks += [pa.Check.ge(0, error=rules[column])] if column in rules else []
        columns[column] = pa.Column(kind, checks, nullable=True)
    return pa.DataFrameSchema(columns)


def _is_after_start(data: Any) -> pl.LazyFrame:
    frame: pl.LazyFrame = data.lazyframe.select((pl.col("_end") >= pl.col("ds")).fill_null(value=True))
    return frame


def _split_duplicates(rows: pl.DataFrame, table: SideTable) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Rows that are unique by the keys and dates of the table, bad rows, and the dropped repeats."""
    keys = [*table.on, *(["ds"] if table.dated else []), *(["_end"] if table.end else [])]
    parts = [pl.format(f"{key}={{}}", pl.col(key).cast(pl.String).fill_null("nothing")) for key in keys]
    return split_duplicates(rows, keys, pl.concat_str(parts, separator=", "))
