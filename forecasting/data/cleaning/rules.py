"""Cleaning rules: `apply_row_rules` judges single rows; `apply_neighbour_rules` reads days around, and is revertible.

All take and return rows of the panel (unique_id, ds, y, y_raw, flag, drivers) and change y and flag, never y_raw;
`clean_as_of_cutoff` cleans a history as if its last row were the newest one. Closings have a module of their own.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.cleaning import outliers, stock_outs
from forecasting.sorted_rows import sort_rows

REPORTED_FLAGS = (
    "closed", "out_of_stock", "below", "rounded", "leading_zero",
    "inferred_closed", "inferred_out_of_stock", "far_out", "outlier", "level_shift",
)  # fmt: skip
"""Flags that a report of the cleaning counts: all but those that only say whether a row was observed."""
NEIGHBOUR_FLAGS = ("inferred_out_of_stock", "far_out", "outlier", "level_shift")
"""Flags set by neighbour rules, which a later day may change."""

Y = pl.col("y")
OBSERVED = pl.col("flag") == "observed"


def apply_row_rules(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows with numbers below y_min, fractions and leading zeros treated as in `clean`.

    They must be sorted by unique_id and ds. No row is judged by a later one.
    """
    return _drop_leading_zeros(_apply_value_rules(rows, config), config)


def apply_neighbour_rules(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows (complete on the calendar) with stock-outs inferred and outliers treated as in `clean`."""
    clean = config.clean
    if clean.stock_outs != "infer" and clean.outliers.rule == "none":
        return rows
    rows = sort_rows(rows, ("unique_id", "ds"))
    if clean.stock_outs == "infer":
        rows = stock_outs.infer_stock_outs(rows, config)
    return outliers.treat_outliers(rows, config)


def clean_as_of_cutoff(history: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The history as it was cleaned when its last row was the newest one, whatever later days made of it since."""
    return apply_neighbour_rules(revert_neighbour_rules(history, config), config)


def revert_neighbour_rules(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows as row rules alone leave them: safe to read for a cut of any cutoff."""
    if not rows["flag"].unique().is_in(NEIGHBOUR_FLAGS).any():  # few different ones
        return rows
    return _apply_value_rules(_revert_flags(rows), config)


def stable_y() -> pl.Expr:
    """y as row rules alone leave it: y as it came where a neighbour rule changed the row."""
    return pl.when(pl.col("flag").is_in(NEIGHBOUR_FLAGS)).then(pl.col("y_raw").fill_null(0.0)).otherwise(Y).alias("y")


def is_filled() -> pl.Expr:
    """Whether a row fills a gap of the calendar, no load having brought it; rules may have given it another flag."""
    inferred = pl.col("flag").is_in(["inferred_closed", "inferred_out_of_stock"])
    return (pl.col("flag") == "filled") | (inferred & pl.col("y_raw").is_null())


def _revert_flags(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with y and flag as before the neighbour rules."""
    reverted = pl.col("flag").is_in(NEIGHBOUR_FLAGS)
    filled = pl.col("y_raw").is_null()  # of rows that did not come, neighbour rules judge only zeros put into gaps
    flag = pl.when(reverted & filled).then(pl.lit("filled")).when(reverted).then(pl.lit("observed")).otherwise("flag")
    return rows.with_columns(y=stable_y(), flag=flag)


def _apply_value_rules(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Numbers below y_min and fractions; where `clean` quarantines them, no row is left to change."""
    clean = config.clean
    below = OBSERVED & (pl.lit(value=False) if clean.y_min is None else Y.lt(clean.y_min))
    fraction = OBSERVED & ~below & Y.ne(Y.round()) if clean.fractions == "round" else pl.lit(value=False)
    if not rows.select((below | fraction).any()).item():
        return rows
    replacement = pl.lit(0.0 if clean.below == "zero" else None, pl.Float64)
    return rows.with_columns(
        y=pl.when(below).then(replacement).when(fraction).then(Y.round()).otherwise(Y),
        flag=pl.when(below).then(pl.lit("below")).when(fraction).then(pl.lit("rounded")).otherwise("flag"),
    )


def _drop_leading_zeros(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Zeros before the first sale of a series are not observed: it was not for sale yet."""
    if config.clean.leading_zeros == "keep":
        return rows
    has_sold = (Y != 0).fill_null(value=False).cum_max().over("unique_id")
    leading = ~has_sold & (Y == 0) & (pl.col("flag") != "ahead")
    return rows.with_columns(
        y=pl.when(leading).then(None).otherwise(Y),
        flag=pl.when(leading & OBSERVED).then(pl.lit("leading_zero")).otherwise("flag"),
    )
