"""Which rule is asked when, and how its verdict is taken back."""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.cleaning import outliers, stock_outs

REPORTED_FLAGS = (
    "closed", "out_of_stock", "below", "rounded", "leading_zero",
    "inferred_closed", "inferred_out_of_stock", "outlier", "level_shift",
)  # fmt: skip
"""Flags that say more of a row than that it was observed, or not: what a report of the cleaning counts."""
NEIGHBOUR_FLAGS = ("inferred_out_of_stock", "outlier", "level_shift")
"""Flags that a later day may change."""

Y = pl.col("y")
SEEN = pl.col("flag") == "observed"


def apply_row_rules(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Rows sorted by unique_id and ds with what is below y_min, fractions and leading zeros as `clean` wants them.

    No row is judged by a later one.
    """
    return _without_leading_zeros(_plain(rows, config), config)


def apply_neighbour_rules(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Rows (complete on the calendar) with stock-outs inferred and outliers treated as `clean` wants it."""
    clean = config.clean
    if clean.stock_outs != "infer" and clean.outliers.rule == "none":
        return rows
    rows = rows.sort("unique_id", "ds")
    if clean.stock_outs == "infer":
        rows = stock_outs.infer_stock_outs(rows, config)
    return outliers.treat_outliers(rows, config)


def clean_as_of_cutoff(history: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The history as it was cleaned when its last row was the newest one: later days have no say in it."""
    return apply_neighbour_rules(revert_neighbour_rules(history, config), config)


def revert_neighbour_rules(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows without what a later day may change: what any cut may read, whatever its day."""
    if not rows["flag"].is_in(NEIGHBOUR_FLAGS).any():
        return rows
    return _plain(_taken_back(rows), config)


def stable_y() -> pl.Expr:
    """y of a row as it came where a later day may change it."""
    return pl.when(pl.col("flag").is_in(NEIGHBOUR_FLAGS)).then(pl.col("y_raw").fill_null(0.0)).otherwise(Y).alias("y")


def is_filled() -> pl.Expr:
    """Rows that no load brought: the gaps, also those that a rule took for something else."""
    inferred = pl.col("flag").is_in(["inferred_closed", "inferred_out_of_stock"])
    return (pl.col("flag") == "filled") | (inferred & pl.col("y_raw").is_null())


def _taken_back(rows: pl.DataFrame) -> pl.DataFrame:
    again = pl.col("flag").is_in(NEIGHBOUR_FLAGS)
    filled = pl.col("y_raw").is_null()  # only zeros put into gaps are judged without having come
    flag = pl.when(again & filled).then(pl.lit("filled")).when(again).then(pl.lit("observed")).otherwise("flag")
    return rows.with_columns(y=stable_y(), flag=flag)


def _plain(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """What is below y_min, and fractions; where they stand in quarantine none is left."""
    clean = config.clean
    below = SEEN & (pl.lit(value=False) if clean.y_min is None else Y.lt(clean.y_min))
    part = SEEN & ~below & Y.ne(Y.round()) if clean.fractions == "round" else pl.lit(value=False)
    if not rows.select((below | part).any()).item():
        return rows
    instead = pl.lit(0.0 if clean.below == "zero" else None, pl.Float64)
    return rows.with_columns(
        y=pl.when(below).then(instead).when(part).then(Y.round()).otherwise(Y),
        flag=pl.when(below).then(pl.lit("below")).when(part).then(pl.lit("rounded")).otherwise("flag"),
    )


def _without_leading_zeros(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Zeros before the first sale of a series are not observed: it was not for sale yet."""
    if config.clean.leading_zeros == "keep":
        return rows
    sold = (Y > 0).fill_null(value=False).cum_max().over("unique_id")
    early = ~sold & (Y == 0) & (pl.col("flag") != "ahead")
    return rows.with_columns(
        y=pl.when(early).then(None).otherwise(Y),
        flag=pl.when(early & SEEN).then(pl.lit("leading_zero")).otherwise("flag"),
    )
