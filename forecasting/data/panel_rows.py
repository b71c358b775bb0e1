"""From rows of sales to rows of the panel: a flag for what was observed, and a complete calendar for every series.

`flag_observations` takes [unique_id, ds, y, drivers] and adds y_raw and flag; `fill_gaps` takes its result and adds the
missing periods of every series. Both return frames and write nothing; cleaning rules are applied elsewhere.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import KEY, is_closed
from forecasting.sorted_rows import sort_rows


def flag_observations(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows with y_raw (y as it came), flag (observed, closed, out_of_stock or missing), and y null where it was not
    observed. A sale on a day marked closed is observed; a row without a number is missing.
    """
    stock = config.columns.stock
    no_sale = pl.col("y").fill_null(0) == 0
    flag = (
        pl.when(is_closed(config) & no_sale)
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
    """The rows with every series complete on the calendar from its first day to `last`, the panel's last observed day.

    New rows are flagged `filled`; their y is null, or 0 with `clean.gaps: zero`, and their static columns repeat the
    newest value of the series. Rows after `last` are flagged `ahead`. Sorted by unique_id and ds.
    """
    statics = [pl.col(c).drop_nulls().last() for c in config.static_columns if c in rows.columns]
    spans = sort_rows(rows, KEY).group_by("unique_id").agg(pl.col("ds").min().alias("_from"), *statics)
    filled = missing_rows(spans.with_columns(_to=pl.lit(last)), rows, config)
    rows = rows.with_columns(flag=pl.when(pl.col("ds") > last).then(pl.lit("ahead")).otherwise("flag"))
    return sort_rows(pl.concat([rows, filled], how="diagonal"), KEY)


def missing_rows(spans: pl.DataFrame, rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The periods of each span (unique_id, static columns, _from and _to, both included) that are not in `rows`."""
    ds = pl.date_ranges("_from", "_to", interval=config.freq).alias("ds")
    grid = spans.filter(pl.col("_from") <= pl.col("_to")).select(pl.exclude("_from", "_to"), ds).explode("ds")
    y = pl.lit(0.0 if config.clean.gaps == "zero" else None, pl.Float64)
    return grid.join(rows, on=KEY, how="anti").with_columns(y=y, flag=pl.lit("filled"))
