"""Days of which the source has no row, but a further table tells: coming days, and days without anything to sell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import ALIVE_YEARS
from forecasting.data.panel import KEY, is_closed
from forecasting.data.side_tables.tables import Tables
from forecasting.data.sources import files_add_up

SERIES_AT_ONCE = 2_000
"""Their days are laid out in memory together."""


def extra_rows(tables: Tables, good: pl.DataFrame, config: Config, known: date | None) -> pl.DataFrame:
    """Rows like `good` with y null, and of no file: for the `h` periods after the last sale, where a table with dates
    tells anything known ahead; up to it, where a table says that a series was out of stock or closed.

    Of series that were sold in the last years only. `known` is the newest day of which sales were known before this
    load: days up to it may have rows that are not here, and are left alone. Where files add up, nothing is told: there
    a row is what a file adds.
    """
    if files_add_up(config):
        return good.clear()
    last = good.filter(pl.col("y").is_not_null())["ds"].max()
    days = [day for day in (last, known) if isinstance(day, date)]
    if not days or not any(side.spec.dated for side in tables.sides):
        return good.clear()
    after = known if _tell_unsold(tables, config) else max(days)
    spans = _spans(good, config, max(days), after)
    there = good.select(KEY).filter(pl.col("ds") >= spans["_from"].min())
    made = [_of(tables, part, there, config, max(days)) for part in spans.iter_slices(SERIES_AT_ONCE)]
    return pl.concat([good.clear(), *(rows.select(_like(good.schema, rows.schema)).cast(good.schema) for rows in made)])


def _tell_unsold(tables: Tables, config: Config) -> bool:
    """Whether a table with dates tells stock or openings: only then days that are over are looked at."""
    told = {column for side in tables.sides if side.spec.dated for column in side.columns}
    return bool(told & {config.columns.stock, config.columns.open})


def _spans(good: pl.DataFrame, config: Config, last: date, after: date | None) -> pl.DataFrame:
    """Per living series: its newest static values, and the first and the last day that is asked for, `after` a day."""
    every = [pl.col(c).drop_nulls().last() for c in config.static_columns]
    sold = pl.col("ds").filter(pl.col("y").is_not_null())
    spans = (
        good.select(*KEY, "y", *config.static_columns)
        .sort("ds")
        .group_by("unique_id")
        .agg(*every, _from=pl.col("ds").min(), _sold=sold.max())
    )
    alive = pl.col("_sold") > config.frequency.shift(last, -ALIVE_YEARS * config.frequency.year)
    first = [] if after is None else [pl.lit(config.frequency.shift(after, 1))]
    until = pl.lit(config.frequency.shift(last, config.h))
    spans = spans.filter(alive).with_columns(_from=pl.max_horizontal("_from", *first), _to=until)
    return spans.filter(pl.col("_from") <= pl.col("_to")).drop("_sold").sort("unique_id")


def _of(tables: Tables, spans: pl.DataFrame, there: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
    own = there.filter(pl.col("unique_id").is_in(spans["unique_id"].implode()))
    ds = pl.date_ranges("_from", "_to", interval=config.freq).alias("ds")
    grid = spans.select(pl.exclude("_from", "_to"), ds).explode("ds").join(own, on=KEY, how="anti")
    told = tables.tell(grid, config, last)
    ahead = pl.col("ds") > last
    return told.filter((ahead & pl.col("_told")) | (~ahead & _unsold(told, config)))


def _unsold(told: pl.DataFrame, config: Config) -> pl.Expr:
    """Where nothing could be sold, as far as the tables tell."""
    closed = is_closed(config) if config.columns.open in told.columns else pl.lit(value=False)
    stock = config.columns.stock
    return closed | (pl.col(stock) <= 0).fill_null(value=False) if stock in told.columns else closed


def _like(wanted: pl.Schema, there: pl.Schema) -> Iterator[pl.Expr]:
    """The columns of `good`: a mark (that a row is to be deleted) is not set, others are null where no table tells."""
    for column, kind in wanted.items():
        nothing = pl.lit(value=False) if kind == pl.Boolean else pl.lit(None, kind)
        yield pl.col(column) if column in there else nothing.alias(column)
