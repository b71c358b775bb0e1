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
from forecasting.data.contracts import CheckedLoad
from forecasting.data.side_tables import load_with_side_tables
from forecasting.remarks import Remark
from forecasting.steps.data_check import OK, check_panel, panel_rows

SHOWN = 5
MOST = 300_000
"""The rows of larger sources are not made a panel of before they are loaded."""


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
    remarks = [*_remarks(checked.account["remarks"]), *_remarks_on_panel(checked, config)]
    return Reading(rows, checked.account["lines"], tuple(remarks))


def _remarks_on_panel(checked: CheckedLoad, config: Config) -> Iterator[Remark]:
    """What the panel would tell: closed days, series that ended, values far from all others."""
    if checked.good.height > MOST:
        return
    for finding in check_panel(panel_rows(checked, config), config):
        if finding.verdict != OK:
            yield Remark(finding.check, finding.message, finding.harm)


def _remarks(facts: list[dict[str, str]]) -> Iterator[Remark]:
    yield from (Remark(**fact) for fact in facts)  # type: ignore[arg-type]
