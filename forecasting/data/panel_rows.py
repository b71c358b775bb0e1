"""How rows of sales become those of a panel: what was observed, and a whole calendar for every series."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import KEY, is_closed


def flag_observations(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Tell what was observed: y_raw keeps y as it came; on closed and out-of-stock days, and where the line held no
    number, y is null. A sale on a day marked closed stays observed. `flag` says which.
    """
    stock = config.columns.stock
    nothing = pl.col("y").fill_null(0) == 0
    flag = (
        pl.when(is_closed(config) & nothing)
        .then(pl.lit("closed"))
        .when((pl.col(stock) <= 0).fill_null(value=False) if stock else pl.lit(value=False))
        .then(pl.lit("out_of_stock"))
        .when(pl.col("y").is_null())
        .then(pl.lit("missing"))
        .otherwise(pl.lit("observed"))
    )
    rows = rows.with_columns(y_raw=pl.col("y"), flag=flag)
    return rows.with_columns(y=pl.when(pl.col("flag") == "observed").then("y"))


def fill_gaps(rows: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
    """Make every series complete on the calendar from its first day to `last`, the panel's last observed day.

    Rows made here are flagged `filled`; their y is null, or 0 with `clean.gaps: zero`. Rows after `last` are flagged
    `ahead`. Static columns of made rows repeat the series' newest value. Sorted by unique_id and ds.
    """
    statics = [pl.col(c).drop_nulls().last() for c in config.static_columns if c in rows.columns]
    spans = rows.sort(KEY).group_by("unique_id").agg(pl.col("ds").min().alias("_from"), *statics)
    made = missing_rows(spans.with_columns(_to=pl.lit(last)), rows, config)
    rows = rows.with_columns(flag=pl.when(pl.col("ds") > last).then(pl.lit("ahead")).otherwise("flag"))
    return pl.concat([rows, made], how="diagonal").sort(KEY)


def missing_rows(spans: pl.DataFrame, rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows that lack on the calendar: of each span (unique_id, static columns, _from and _to, both included)."""
    ds = pl.date_ranges("_from", "_to", interval=config.freq).alias("ds")
    grid = spans.filter(pl.col("_from") <= pl.col("_to")).select(pl.exclude("_from", "_to"), ds).explode("ds")
    empty = pl.lit(0.0 if config.clean.gaps == "zero" else None, pl.Float64)
    return grid.join(rows, on=KEY, how="anti").with_columns(y=empty, flag=pl.lit("filled"))
