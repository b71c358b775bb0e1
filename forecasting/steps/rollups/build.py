"""Rollups of a vintage: `write_rollups` takes a panel, a store and a row of `vintages`, and writes two tables.

A RollupWorker takes the number of a bucket and returns a Rollup: [unique_id, yhat, last_year, price, wape, bias] by
series, and tables of the sums of its series. What is written is seen once the vintage is published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.schemas import ROLLUP_FIGURES
from forecasting.features.group_sums import GroupTable, TableTotals, tabulate
from forecasting.features.groups import Level, levels
from forecasting.services.engine import walk
from forecasting.services.store import Store
from forecasting.sorted_rows import sort_rows
from forecasting.steps.run_log import scan_scored

ID = "unique_id"
TOTALS = {"group": pl.String, "ds": pl.Date, "rows": pl.Int64, "yhat": pl.Float64, "model": pl.String}
DIGITS = 9
"""Digits of sums, whose last bits are no matter of the data."""


@dataclass(frozen=True)
class Rollup:
    """What a bucket adds to both tables: its series, and the sums of their forecasts by group and period of each model
    and level.
    """

    series: pl.DataFrame
    totals: dict[tuple[str, Level], GroupTable]


@dataclass(frozen=True)
class RollupWorker:
    """Makes the rollup of a bucket of a vintage, whose rows are in `forecasts`, published or not."""

    panel: Panel
    store: Store
    vintage: Mapping[str, Any]

    def __call__(self, bucket: int) -> Rollup:
        rows = self.store.scan("forecasts", cutoff=self._cutoff, bucket=bucket)
        mine = rows.filter(pl.col("version") == self.vintage["version"], pl.col("grain") == "series")
        forecasts = in_order(mine.select(ID, "ds", "model", "yhat").collect(), "ds", "model")
        members = self.store.scan("series").filter(pl.col("bucket") == bucket).collect()
        every = levels(self.panel.config, members.schema)
        return Rollup(self._series(bucket, forecasts), sum_by_group(forecasts, members, every))

    @property
    def _cutoff(self) -> date:
        cutoff: date = self.vintage["cutoff"]
        return cutoff

    def _series(self, bucket: int, forecasts: pl.DataFrame) -> pl.DataFrame:
        champion = in_order(forecasts.filter(pl.col("model") == self.vintage["champion"]), "ds")
        ahead = champion.group_by(ID).agg(pl.col("yhat").sum(), n=pl.len())
        before = sold_a_year_before(self.panel, self._cutoff, bucket)
        complete = (pl.col("_rows") >= pl.col("n")) & (pl.col("_observed") > 0)
        both = ahead.join(before, on=ID, how="left").with_columns(last_year=pl.when(complete).then("_y"))
        both = both.join(last_prices(self.panel, self._cutoff, bucket), on=ID, how="left")
        both = both.join(self._errors(bucket), on=ID, how="left")
        return both.select(ID, pl.col(ROLLUP_FIGURES).round(DIGITS))

    def _errors(self, bucket: int) -> pl.DataFrame:
        """[unique_id, wape, bias] of the champion over the reported windows of the backtest of its recipe."""
        scored = scan_scored(self.store, "backtests", bucket=bucket).filter(
            "reported", pl.col("recipe") == self.vintage["recipe"], pl.col("model") == self.vintage["champion"]
        )
        error, sold = pl.col("yhat") - pl.col("y"), pl.col("y").abs().sum()
        rows = scored.filter(pl.col("grain") == "series", pl.col("y").is_not_null())
        shares = {"wape": error.abs().sum() / sold, "bias": error.sum() / sold}
        known = [pl.when(sold > 0).then(share).alias(name) for name, share in shares.items()]
        return in_order(rows.select(ID, "cutoff", "ds", "y", "yhat").collect(), "cutoff", "ds").group_by(ID).agg(known)


def in_order(rows: pl.DataFrame, *key: str) -> pl.DataFrame:
    """The rows of series in the order of their keys, and marked as such: Polars adds up the groups of a column that it
    knows to be sorted in another way, with other last bits, and whether it knows depends on how rows are stored.
    """
    return sort_rows(rows, (ID, *key))


def write_rollups(panel: Panel, store: Store, vintage: Mapping[str, Any]) -> None:
    """Write `rollups` and `totals` of a vintage (a row of `vintages`) whose forecasts are written."""
    series, totals = [], TableTotals[tuple[str, Level]]()
    for part in walk(panel.engine, RollupWorker(panel, store, vintage), panel.buckets):
        series.append(part.series)
        for key, sums in part.totals.items():
            totals.add(key, sums)
    of = {"cutoff": vintage["cutoff"], "version": vintage["version"]}
    of_models = [frame.with_columns(model=pl.lit(model)) for (model, _), frame in totals.frames().items()]
    added = pl.concat([pl.DataFrame(schema=TOTALS), *of_models]).with_columns(pl.col("yhat").round(DIGITS))
    for name, rows in (("rollups", pl.concat(series)), ("totals", added)):
        table = store.tables[name]
        store.replace(name, rows.with_columns(**of).select(table.schema.names()).cast(table.schema), **of)


def sum_by_group(
    forecasts: pl.DataFrame, members: pl.DataFrame, every: Sequence[Level]
) -> dict[tuple[str, Level], GroupTable]:
    """The forecasts [unique_id, ds, model, yhat] of each group added up, by model and level.

    `members` are the rows of `series`, which hold the static columns of the levels.
    """
    columns = dict.fromkeys(c for level in every for c in level)
    placed = forecasts.join(members.select(ID, *columns), on=ID, maintain_order="left")
    of_models = placed.partition_by("model", as_dict=True)
    yhat = {"yhat": pl.col("yhat")}
    return {(name, level): tabulate(rows, level, yhat) for (name,), rows in of_models.items() for level in every}


def sold_a_year_before(panel: Panel, cutoff: date, bucket: int) -> pl.DataFrame:
    """[unique_id, _y, _rows, _observed]: what each series sold in the periods of the horizon a year before, and how
    many of these have a row and an observation. Closed periods count as nothing sold, as their forecast does.
    """
    frequency = panel.config.frequency
    first, last = (frequency.shift(cutoff, step - frequency.year) for step in (1, panel.config.h))
    rows = panel.scan(bucket).filter(pl.col("ds").is_between(first, last) & (pl.col("flag") != "ahead"))
    sums = {"_y": pl.col("y").sum(), "_rows": pl.len(), "_observed": pl.col("y").count()}
    return in_order(rows.select(ID, "ds", "y").collect(), "ds").group_by(ID).agg(**sums)


def last_prices(panel: Panel, cutoff: date, bucket: int) -> pl.DataFrame:
    """[unique_id, price]: the last observed price of each series in the recent periods before the cutoff."""
    config: Config = panel.config
    column = config.columns.price
    if column is None:
        return pl.DataFrame(schema={ID: pl.String, "price": pl.Float64})
    start = config.frequency.shift(cutoff, -config.frequency.level_window)
    rows = panel.scan(bucket).filter(pl.col("ds").is_between(start, cutoff))
    priced = rows.drop_nulls(column).group_by(ID).agg(price=pl.col(column).sort_by("ds").last())
    return priced.with_columns(pl.col("price").cast(pl.Float64)).collect()
