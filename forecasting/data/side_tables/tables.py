"""All further tables of a config: joined to the rows of a load, and asked about days of which no source tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.side_tables import unmatched
from forecasting.data.side_tables.matching import LookupTable


@dataclass(frozen=True)
class Tables:
    """Further tables in the order in which they are joined, their quarantine, and the account of each by its name."""

    sides: tuple[LookupTable, ...] = ()
    quarantine: pl.DataFrame = field(default_factory=pl.DataFrame)
    account: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def joined(self, long: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, Tables]:
        """The rows of a load with the tables' columns, and the tables with what matched nothing in their accounts.

        Raises UserError when a table says nothing of more rows than limits.unmatched.
        """
        account = dict(self.account)
        for side in self.sides:
            said = side.said(long)
            found = unmatched.count_unmatched(side, long, said["_matched"])
            unmatched.check_unmatched_share(side, found, long, config)
            account[side.name] = account[side.name] | found
            long = long.with_columns(_filled(side, said, said["_matched"], config))
        return long, replace(self, account=account)

    def in_common(self, config: Config) -> None:
        """Raise UserError when a table has no key in common with the rows to which it was joined."""
        for side in self.sides:
            unmatched.check_common_keys(side, self.account[side.name], config)

    def tell(self, rows: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
        """Rows (unique_id, ds, static columns) of which no source told, with what the tables say of them, and `_told`:
        whether one with dates tells anything that is known ahead. Of days after `last` and after its own last day a
        table says nothing, not even what is `missing`.
        """
        told = pl.repeat(value=False, n=rows.height, dtype=pl.Boolean, eager=True)
        for side in self.sides:
            columns = [c for c in side.columns if c not in config.static_columns]
            said = side.said(rows)
            covered = rows["ds"] <= max(last, side.until or date.max)
            filled = {c.name: c for c in _filled(side, said, said["_matched"] | ~covered, config)}
            rows = rows.with_columns([filled[c] for c in columns])
            if side.spec.dated and set(columns) & set(config.columns.known_ahead):
                told |= said["_matched"] | (covered & bool(side.spec.missing))
        return rows.with_columns(told.alias("_told"))


def _filled(side: LookupTable, said: pl.DataFrame, keep: pl.Series, config: Config) -> list[pl.Series]:
    """The columns of a table with what its `missing` says where nothing matched."""
    return said.select(list(_fills(side, said, keep, config))).get_columns()


def _fills(side: LookupTable, said: pl.DataFrame, keep: pl.Series, config: Config) -> Iterator[pl.Expr]:
    for column in side.columns:
        value = side.spec.missing.get(column)
        if value is None:
            yield pl.col(column)
        else:
            yield pl.when(keep).then(column).otherwise(_as(value, said.schema[column], side, column, config))


def _as(value: float | str, kind: pl.DataType, side: LookupTable, column: str, config: Config) -> pl.Expr:
    """What stands for nothing, in the type of the column."""
    if kind == pl.String:
        return pl.lit(f"{value:g}" if isinstance(value, float) else value)
    if isinstance(value, str):
        raise config.fault(
            f"tables.{side.name}.missing.{column}", f"{column} holds numbers, and {value!r} is a text: give a number"
        )
    return pl.lit(int(value) if value.is_integer() else value)
