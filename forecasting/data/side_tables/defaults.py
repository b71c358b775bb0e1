"""The values that rows get where a side table has no match for them: `missing` of the table in the config.

`fill_defaults` takes a LookupTable, what it found for given rows, and a mask of the rows that keep it; it returns the
filled columns (Series), changes no frame and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from forecasting.config import Config
from forecasting.data.side_tables.lookup import LookupTable


def fill_defaults(table: LookupTable, found: pl.DataFrame, keep: pl.Series, config: Config) -> list[pl.Series]:
    """The columns of `found` (see LookupTable.lookup) with defaults where `keep` is false.

    Raises UserError when a default is a text and its column holds numbers.
    """
    return found.select(list(_filled_columns(table, found, keep, config))).get_columns()


def _filled_columns(table: LookupTable, found: pl.DataFrame, keep: pl.Series, config: Config) -> Iterator[pl.Expr]:
    for column in table.columns:
        default = table.spec.missing.get(column)
        if default is None:
            yield pl.col(column)
        else:
            value = _typed(default, found.schema[column], table, column, config)
            yield pl.when(keep).then(column).otherwise(value)


def _typed(value: float | str, kind: pl.DataType, table: LookupTable, column: str, config: Config) -> pl.Expr:
    """A default in the type of its column."""
    if kind == pl.String:
        return pl.lit(f"{value:g}" if isinstance(value, float) else value)
    if isinstance(value, str):
        raise config.fault(
            f"tables.{table.name}.missing.{column}", f"{column} holds numbers, and {value!r} is a text: give a number"
        )
    return pl.lit(int(value) if value.is_integer() else value)
