"""The quantile table: what share of past residuals lies below which value, by rung."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import polars as pl

from forecasting.evaluation.intervals import error_scale
from forecasting.evaluation.intervals.adaptive import alpha_column, nominal_alpha
from forecasting.evaluation.intervals.labels import ALL_HORIZONS, HORIZON_BLOCK
from forecasting.evaluation.intervals.residuals import CELL, GROUP, SCALE, YHAT, R, scaled_residuals

ENOUGH = 100
BANDS = 5


def fit_quantiles(
    residuals: pl.DataFrame, levels: Sequence[int], y_min: float | None = None, alphas: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Quantiles of the scaled residuals, in units of the scale.

    `residuals` has unique_id, model, grain, block, cutoff, step, y, yhat, scale, mase_scale and rmsse_scale; rows
    without y, and closed days, are left out. No sale is below `y_min`; `alphas` [model, grain, alpha-L ...] are the
    shares to be left outside where they are not nominal (see adaptive).
    Returns [model, grain, block, floor, n, skew, lo-L, hi-L ..., interval, widths]: rows with a block hold for
    forecasts from `floor` up to the next floor; the row with block null is the pooled rung, null where it has too few
    residuals. It also holds the boosters by which `scale` is corrected, in residuals and forecasts alike (see widths).
    """
    rows = scaled_residuals(residuals)
    told = error_scale.fit_error_scale(rows)
    rows = with_alphas(error_scale.rescale_residuals(rows, told), levels, alphas)
    floored = rows.with_columns(least=(pl.lit(y_min, pl.Float64) - YHAT) / SCALE)
    cells = pl.concat([block_quantiles(floored, levels), pooled_quantiles(rows, levels)]).join(
        told, on=GROUP, how="left"
    )
    once = pl.when(pl.col("block").is_null()).then("widths").alias("widths")
    return cells.with_columns(once).sort(*CELL, "floor")


def with_alphas(rows: pl.DataFrame, levels: Sequence[int], alphas: pl.DataFrame | None) -> pl.DataFrame:
    """The rows with alpha-L of every level, nominal where `alphas` does not say."""
    nominals = [pl.col(alpha_column(n)).fill_null(nominal_alpha(n)) for n in levels]
    if alphas is None:
        return rows.with_columns(pl.lit(nominal_alpha(n)).alias(alpha_column(n)) for n in levels)
    known = alphas.select(*GROUP, *(alpha_column(n) for n in levels))
    return rows.join(known, on=GROUP, how="left", maintain_order="left").with_columns(nominals)


def least_residuals(levels: Iterable[int]) -> int:
    """Residuals that a block must have for signed quantiles: both tails of the widest level exist with slack."""
    return max([ENOUGH, *(ceil(400 / (100 - level)) for level in levels)])


def block_quantiles(rows: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """The rung `block`: signed quantiles per model, grain, block and band of volume, the windows' shocks mirrored."""
    banded = mirror_shocks(rows.with_columns(band=volume_band(least_residuals(levels))))
    n = pl.len() // 2
    bounds = [side for level in levels for side in signed_quantiles(level, n)]
    facts = {"floor": YHAT.min(), "n": n.cast(pl.Int64), "skew": R.filter("own").median() - R.filter("own").mean()}
    cells = banded.group_by(*CELL, "band").agg(*bounds, **facts).filter(pl.col("n") >= least_residuals(levels))
    lowest = pl.when(pl.col("floor") == pl.col("floor").min().over(CELL)).then(-float("inf")).otherwise("floor")
    return in_table_order(cells.with_columns(floor=lowest, interval=pl.lit(HORIZON_BLOCK)), levels)


def volume_band(least: int) -> pl.Expr:
    """Number of the band of volume of a row: as many bands of equal size in a cell as have `least` rows, up to five."""
    size = pl.len().over(CELL)
    bands = (size // least).clip(1, BANDS)
    return ((YHAT.rank("min").over(CELL).cast(pl.Int64) - 1) * bands // size).alias("band")


def mirror_shocks(rows: pl.DataFrame) -> pl.DataFrame:
    """The residuals (own = true) and again with the common error of their window and block turned round.

    What was turned round stays at or above `least`, where nothing can be sold below the floor, and what was there
    stays: a shock moves what is sold, and the many zeros of a rare seller are no sales.
    """
    shock = (R * SCALE).sum().over(*CELL, "cutoff") / SCALE.sum().over(*CELL, "cutoff")
    own = rows.with_columns(own=pl.lit(value=True))
    turned = pl.when(pl.col("least") >= R).then(R).otherwise(pl.max_horizontal(R - 2 * shock, "least"))
    return pl.concat([own, rows.with_columns(r=turned, own=pl.lit(value=False))])


def signed_quantiles(level: int, n: pl.Expr) -> list[pl.Expr]:
    """Lower and upper quantile of `r`, of which every residual is there twice (n of them)."""
    tail = 1 - pl.col(alpha_column(level)).first() / 2
    return [
        (-nth_smallest(-R, 2 * conformal_rank(n, tail))).alias(f"lo-{level}"),
        nth_smallest(R, 2 * conformal_rank(n, tail)).alias(f"hi-{level}"),
    ]


def pooled_quantiles(rows: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """The rung `pooled`: symmetric quantiles of |r| per model and grain, null where n < 1 / alpha - 1."""
    bounds = [side for level in levels for side in symmetric_quantiles(level, pl.len())]
    cells = rows.group_by(GROUP).agg(*bounds, n=pl.len().cast(pl.Int64))
    whole = {
        "block": pl.lit(None),
        "floor": pl.lit(-float("inf")),
        "skew": pl.lit(0.0),
        "interval": pl.lit(ALL_HORIZONS),
    }
    return in_table_order(cells.with_columns(**whole), levels)


def symmetric_quantiles(level: int, n: pl.Expr) -> list[pl.Expr]:
    """Minus and plus the split conformal quantile of |r|, null where it would be infinite."""
    k = conformal_rank(n, 1 - pl.col(alpha_column(level)).first())
    bound = pl.when(k <= n).then(nth_smallest(R.abs(), k))
    return [(-bound).alias(f"lo-{level}"), bound.alias(f"hi-{level}")]


def conformal_rank(n: pl.Expr, probability: pl.Expr) -> pl.Expr:
    """The finite-sample rank ceil((n + 1) p) of split conformal prediction (Vovk 2005), 0.1 being inexact."""
    return ((n.cast(pl.Float64) + 1) * probability).round(9).ceil().cast(pl.Int64)


def nth_smallest(values: pl.Expr, k: pl.Expr) -> pl.Expr:
    """The k-th smallest value, k counted from 1, the largest when there are fewer."""
    return values.sort().get(pl.min_horizontal(k, pl.len().cast(pl.Int64)) - 1)


def in_table_order(cells: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """The columns of a quantile table in their order and types."""
    sides = [f"{side}-{level}" for level in levels for side in ("lo", "hi")]
    return cells.select(*GROUP, pl.col("block").cast(pl.Int32), "floor", "n", "skew", *sides, "interval")
