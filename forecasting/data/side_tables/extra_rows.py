"""Rows for days that only side tables hold: coming days, and past days on which nothing could be sold.

`extra_rows` takes the lookup tables, the good rows of a load and the config, and returns further rows with the same
columns and y null. It changes no row of the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.future_rows import ALIVE_YEARS
from forecasting.data.panel import KEY, is_closed
from forecasting.data.side_tables.defaults import fill_defaults
from forecasting.data.side_tables.lookup import LookupTable
from forecasting.data.sources import files_add_up

SERIES_PER_SLICE = 2_000
"""The days of this many series are laid out in memory together."""


def extra_rows(
    tables: Sequence[LookupTable], good: pl.DataFrame, config: Config, last_loaded: date | None
) -> pl.DataFrame:
    """Rows like `good`, with y null and no file, for days without a row in the source.

    For the `h` periods after the last sale: days for which a dated table holds a known-ahead column. Up to the last
    sale: days on which a table has the series out of stock or closed. Only series sold in the last years get rows.
    `last_loaded` is the newest day with sales in earlier loads; days up to it may have rows that are not in `good`, so
    they get none. There are none either where files add up: a row is then what one file adds.
    """
    if files_add_up(config):
        return good.clear()
    last = good.filter(pl.col("y").is_not_null())["ds"].max()
    days = [day for day in (last, last_loaded) if isinstance(day, date)]
    if not days or not any(table.spec.dated for table in tables):
        return good.clear()
    after = last_loaded if _hold_availability(tables, config) else max(days)
    spans = _spans(good, config, max(days), after)
    existing = good.select(KEY).filter(pl.col("ds") >= spans["_from"].min())
    slices = [_rows_of(tables, part, existing, config, max(days)) for part in spans.iter_slices(SERIES_PER_SLICE)]
    shaped = [rows.select(_columns_like(good.schema, rows.schema)).cast(good.schema) for rows in slices]
    return pl.concat([good.clear(), *shaped])


def _hold_availability(tables: Sequence[LookupTable], config: Config) -> bool:
    """Whether a dated table holds stock or openings: only then past days need a look."""
    dated = {column for table in tables if table.spec.dated for column in table.columns}
    return bool(dated & {config.columns.stock, config.columns.open})


def _spans(good: pl.DataFrame, config: Config, last: date, after: date | None) -> pl.DataFrame:
    """[unique_id, static columns, _from, _to] per living series: its newest static values, and the first (later than
    `after`) and last day for which it may get rows.
    """
    statics = [pl.col(c).drop_nulls().last() for c in config.static_columns]
    sold = pl.col("ds").filter(pl.col("y").is_not_null())
    spans = (
        good.select(*KEY, "y", *config.static_columns)
        .sort("ds")
        .group_by("unique_id")
        .agg(*statics, _from=pl.col("ds").min(), _sold=sold.max())
    )
    alive = pl.col("_sold") > config.frequency.shift(last, -ALIVE_YEARS * config.frequency.year)
    first = [] if after is None else [pl.lit(config.frequency.shift(after, 1))]
    until = pl.lit(config.frequency.shift(last, config.h))
    spans = spans.filter(alive).with_columns(_from=pl.max_horizontal("_from", *first), _to=until)
    return spans.filter(pl.col("_from") <= pl.col("_to")).drop("_sold").sort("unique_id")


def _rows_of(
    tables: Sequence[LookupTable], spans: pl.DataFrame, existing: pl.DataFrame, config: Config, last: date
) -> pl.DataFrame:
    """The extra rows of some series, with the columns of the tables."""
    existing = existing.filter(pl.col("unique_id").is_in(spans["unique_id"].implode()))
    ds = pl.date_ranges("_from", "_to", interval=config.freq).alias("ds")
    grid = spans.select(pl.exclude("_from", "_to"), ds).explode("ds").join(existing, on=KEY, how="anti")
    rows = _add_columns(tables, grid, config, last)
    ahead = pl.col("ds") > last
    return rows.filter((ahead & pl.col("_planned")) | (~ahead & _is_unavailable(rows, config)))


def _add_columns(tables: Sequence[LookupTable], rows: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
    """Rows (unique_id, ds, static columns) with the columns of the tables and _planned: whether a dated table holds a
    known-ahead column for the day. Defaults are filled only up to the table's last day or `last`, the later one.
    """
    planned = pl.repeat(value=False, n=rows.height, dtype=pl.Boolean, eager=True)
    for table in tables:
        columns = [c for c in table.columns if c not in config.static_columns]
        found = table.lookup(rows)
        covered = rows["ds"] <= max(last, table.until or date.max)
        filled = {c.name: c for c in fill_defaults(table, found, found["_matched"] | ~covered, config)}
        rows = rows.with_columns([filled[c] for c in columns])
        if table.spec.dated and set(columns) & set(config.columns.known_ahead):
            planned |= found["_matched"] | (covered & bool(table.spec.missing))
    return rows.with_columns(planned.alias("_planned"))


def _is_unavailable(rows: pl.DataFrame, config: Config) -> pl.Expr:
    """Whether nothing could be sold on the day, as far as the tables tell: closed, or out of stock."""
    closed = is_closed(config) if config.columns.open in rows.columns else pl.lit(value=False)
    stock = config.columns.stock
    return closed | (pl.col(stock) <= 0).fill_null(value=False) if stock in rows.columns else closed


def _columns_like(wanted: pl.Schema, present: pl.Schema) -> Iterator[pl.Expr]:
    """The columns of `good`: those that no table holds are null, and the mark of rows to delete is false."""
    for column, kind in wanted.items():
        empty = pl.lit(value=False) if kind == pl.Boolean else pl.lit(None, kind)
        yield pl.col(column) if column in present else empty.alias(column)
