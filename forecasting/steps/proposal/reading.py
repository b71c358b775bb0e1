"""A proposed config tried on its source: `read_as_proposed` loads the rows as a run would, and returns a Reading.

Nothing is stored. UserError where a load of the source would be refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.data import contracts
from forecasting.data.side_tables import load_with_side_tables
from forecasting.remarks import Remark

SHOWN = 5


@dataclass(frozen=True)
class Reading:
    """The rows of a source as they are understood: [unique_id, ds, y, drivers] in the order of days.

    `remarks` are what is doubtful, and how columns were read.
    """

    rows: pl.DataFrame
    lines: int
    remarks: tuple[Remark, ...]

    @property
    def series(self) -> int:
        """The number of series."""
        return self.rows["unique_id"].n_unique()

    @property
    def total(self) -> float:
        """The sum of all sales."""
        return float(self.rows["y"].sum())

    @property
    def span(self) -> tuple[date, date]:
        """The first and the last day with sales."""
        first, last = self.rows.drop_nulls("y").select(first=pl.col("ds").min(), last=pl.col("ds").max()).row(0)
        return first, last

    @property
    def coming(self) -> int:
        """The number of days after the last sale that have rows."""
        return self.rows.filter(pl.col("ds") > self.span[1])["ds"].n_unique()

    def ends(self) -> pl.DataFrame:
        """The first and the last rows."""
        rows = self.rows if self.rows.height <= 2 * SHOWN else pl.concat([self.rows.head(SHOWN), self.rows.tail(SHOWN)])
        return rows.rename({name: user_name(name) for name in rows.columns})


def read_as_proposed(config: Config) -> Reading:
    """The source as the config reads it; raises UserError when a load would be refused."""
    checked = contracts.check_load(load_with_side_tables(config), config)
    rows = checked.good.sort("ds", "unique_id")
    return Reading(rows, checked.account["lines"], tuple(_remarks(checked.account["remarks"])))


def _remarks(facts: list[dict[str, str]]) -> Iterator[Remark]:
    yield from (Remark(**fact) for fact in facts)  # type: ignore[arg-type]
