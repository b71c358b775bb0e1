"""Quantile table: the quantiles of past scaled residuals, by model, grain, block and band of volume.

`fit_quantiles` takes rows of `backtests` with `scale` and interval levels in percent, and returns [model, grain, block,
floor, n, skew, lo-L, hi-L ..., interval, widths]: residuals in units of `scale`, not of y; `skew` is what moves the
median (see medians), and block null is for all horizons. The bounds of forecasts are computed from it in bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import polars as pl

from forecasting.evaluation.intervals import error_scale, medians, shocks
from forecasting.evaluation.intervals.adaptive import adapt_alphas, alpha_column, nominal_alpha
from forecasting.evaluation.intervals.bounds import add_bounds
from forecasting.evaluation.intervals.labels import ALL_HORIZONS, HORIZON_BLOCK
from forecasting.evaluation.intervals.residuals import CELL, GROUP, SCALE, YHAT, R, least_sales, scaled_residuals

ENOUGH = 100
BANDS = 5


def fit_quantiles(
    residuals: pl.DataFrame, levels: Sequence[int], y_min: float | None = None, alphas: pl.DataFrame | None = None
) -> pl.DataFrame:
    """[model, grain, block, floor, n, skew, lo-L, hi-L ..., interval, widths]: quantiles in units of the scale.

    `residuals` has unique_id, model, grain, block, cutoff, step, y, yhat, scale, mase_scale and rmsse_scale; rows
    without y, and closed days, are left out. No sale is below `y_min`, or without one below a column `yhat_min`;
    `alphas` [model, grain, alpha-L ...] are the shares to be left outside where they are not nominal (see adaptive).
    Rows with a block hold for forecasts from `floor` up to the next floor; the row with block null is for all horizons,
    its bounds null where it has too few residuals. It also holds the boosters that correct `scale`, in residuals and
    forecasts alike (see error_scale).
    """
    rows, boosters = rescaled_rows(residuals)
    return with_error_scale(quantiles_of(rows, levels, y_min, alphas), boosters)


def fit_adapted_quantiles(residuals: pl.DataFrame, levels: Sequence[int], y_min: float | None = None) -> pl.DataFrame:
    """The table of `fit_quantiles` with the shares outside that windows call for (see adaptive): what bounds of the
    other windows hold in each decides how much the next ones leave outside.

    `residuals` has no bounds yet. The boosters that correct the scale are those of all windows.
    """
    rows, boosters = rescaled_rows(residuals)
    alphas = adapt_alphas(_bounded_by_others(rows, levels, y_min), levels)
    return with_error_scale(quantiles_of(rows, levels, y_min, alphas), boosters)


def _bounded_by_others(rows: pl.DataFrame, levels: Sequence[int], y_min: float | None) -> pl.DataFrame:
    """Every window of rows of `rescaled_rows` with the bounds that the other windows of its model and grain give it.

    The table of all windows is made at once, in which the model less a window is a model of its own: many small tables
    would take many times as long.
    """
    less = pl.format("{} less {}", "model", "held")
    held = rows.with_columns(held="cutoff")
    left = rows.join(held.select(*GROUP, "held").unique(), on=GROUP, maintain_order="left")
    others = left.filter(pl.col("cutoff") != pl.col("held")).with_columns(model=less)
    table = quantiles_of(others.drop("held"), levels, y_min)
    bounded = add_bounds(held.with_columns(model=less, of="model"), table, levels, y_min)
    return bounded.with_columns(model="of").drop("of", "held")


def rescaled_rows(residuals: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scaled residuals in units of the corrected scale, and the boosters that correct it (see error_scale)."""
    rows = scaled_residuals(residuals)
    boosters = error_scale.fit_error_scale(rows)
    return error_scale.rescale_residuals(rows, boosters), boosters


def with_error_scale(cells: pl.DataFrame, boosters: pl.DataFrame) -> pl.DataFrame:
    """The quantile table with the boosters, which stand in the row for all horizons."""
    once = pl.when(pl.col("block").is_null()).then("widths").alias("widths")
    return cells.join(boosters, on=GROUP, how="left").with_columns(once).sort(*CELL, "floor")


def quantiles_of(
    rows: pl.DataFrame, levels: Sequence[int], y_min: float | None = None, alphas: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The quantile table of rows of `rescaled_rows`, without boosters."""
    rows = with_alphas(rows, levels, alphas)
    with_floor = rows.with_columns(least=(least_sales(rows.columns, y_min) - YHAT) / SCALE)
    return pl.concat([block_quantiles(with_floor, levels), pooled_quantiles(rows, levels)])


def with_alphas(rows: pl.DataFrame, levels: Sequence[int], alphas: pl.DataFrame | None) -> pl.DataFrame:
    """The rows with a column alpha-L for every level, from `alphas` [model, grain, alpha-L ...], else nominal."""
    nominals = [pl.col(alpha_column(n)).fill_null(nominal_alpha(n)) for n in levels]
    if alphas is None:
        return rows.with_columns(pl.lit(nominal_alpha(n)).alias(alpha_column(n)) for n in levels)
    adapted = alphas.select(*GROUP, *(alpha_column(n) for n in levels))
    return rows.join(adapted, on=GROUP, how="left", maintain_order="left").with_columns(nominals)


def least_residuals(levels: Iterable[int]) -> int:
    """Residuals that a block must have for signed quantiles: both tails of the widest level exist with slack.

    >>> least_residuals([80]), least_residuals([80, 99])
    (100, 400)
    """
    return max([ENOUGH, *(ceil(400 / (100 - level)) for level in levels)])


def block_quantiles(rows: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """The rows of the quantile table with signed quantiles per model, grain, block and band of volume.

    They hold for a window with shocks of its own (see shocks); cells with too few residuals have no row.
    """
    banded = rows.with_columns(band=volume_band(least_residuals(levels)))
    common = shocks.fit_shocks(rows)
    facts = {"floor": YHAT.min(), "n": pl.len().cast(pl.Int64)}
    alphas = (pl.col(alpha_column(level)).first() for level in levels)
    cells = banded.group_by(*CELL, "band").agg(*alphas, **facts).filter(pl.col("n") >= least_residuals(levels))
    shaken = shocks.add_shocks(banded.select(*CELL, "band", "cutoff", "r", "least"), common)
    residuals = shaken.group_by(*CELL, "band").agg(R.sort(), pl.col("freedom").first())
    cells = cells.join(residuals, on=[*CELL, "band"], maintain_order="left")
    bounds = [bound for level in levels for bound in signed_quantiles(level, pl.col("n"))]
    skew = medians.fit_median_shifts(banded, common).rename({"shift": "skew"})
    cells = cells.with_columns(*bounds, centre=R.list.median())
    cells = widen(cells.join(skew, on=[*CELL, "band"], maintain_order="left"), levels)
    lowest = pl.when(pl.col("floor") == pl.col("floor").min().over(CELL)).then(-float("inf")).otherwise("floor")
    return in_table_order(cells.with_columns(floor=lowest, interval=pl.lit(HORIZON_BLOCK)), levels)


def widen(cells: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """The cells with their bounds moved away from `centre`, as far as their `freedom` demands (see shocks)."""
    factors = {n: pl.lit(shocks.widening(cells["freedom"], 0.5 + n / 200)) for n in levels}
    away = ((pl.col(f"^(lo|hi)-{n}$") - pl.col("centre")) * f + pl.col("centre") for n, f in factors.items())
    return cells.with_columns(away)


def volume_band(least: int) -> pl.Expr:
    """Number of the band of volume of a row: as many bands of equal size in a cell as have `least` rows, up to five."""
    size = pl.len().over(CELL)
    bands = (size // least).clip(1, BANDS)
    return ((YHAT.rank("min").over(CELL).cast(pl.Int64) - 1) * bands // size).alias("band")


def signed_quantiles(level: int, n: pl.Expr) -> list[pl.Expr]:
    """lo-L and hi-L: lower and upper quantile of the sorted list `r`, in which each of n residuals stands once for each
    shock.
    """
    rank = len(shocks.NODES) * conformal_rank(n, 1 - pl.col(alpha_column(level)) / 2)
    last = pl.min_horizontal(rank, R.list.len().cast(pl.Int64)) - 1
    return [R.list.get(-1 - last).alias(f"lo-{level}"), R.list.get(last).alias(f"hi-{level}")]


def pooled_quantiles(rows: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """The rows of the quantile table for all horizons: symmetric quantiles of |r|, one row per model and grain.

    They are null where n < 1 / alpha - 1.
    """
    bounds = [bound for level in levels for bound in symmetric_quantiles(level, pl.len())]
    freedom = shocks.fit_shocks(rows, GROUP).group_by(GROUP).agg(pl.col("freedom").first())
    cells = rows.group_by(GROUP).agg(*bounds, n=pl.len().cast(pl.Int64), centre=pl.lit(0.0))
    cells = widen(cells.join(freedom, on=GROUP, maintain_order="left"), levels)
    everywhere = {
        "block": pl.lit(None),
        "floor": pl.lit(-float("inf")),
        "skew": pl.lit(0.0),
        "interval": pl.lit(ALL_HORIZONS),
    }
    return in_table_order(cells.with_columns(**everywhere), levels)


def symmetric_quantiles(level: int, n: pl.Expr) -> list[pl.Expr]:
    """lo-L and hi-L: minus and plus the split conformal quantile of |r|, null where it would be infinite."""
    k = conformal_rank(n, 1 - pl.col(alpha_column(level)).first())
    bound = pl.when(k <= n).then(nth_smallest(R.abs(), k))
    return [(-bound).alias(f"lo-{level}"), bound.alias(f"hi-{level}")]


def conformal_rank(n: pl.Expr, probability: pl.Expr) -> pl.Expr:
    """The finite-sample rank ceil((n + 1) p) of split conformal prediction (Vovk 2005), 0.1 being inexact.

    >>> pl.select(conformal_rank(pl.lit(9), pl.lit(0.9))).item()
    9
    """
    return ((n.cast(pl.Float64) + 1) * probability).round(9).ceil().cast(pl.Int64)


def nth_smallest(values: pl.Expr, k: pl.Expr) -> pl.Expr:
    """The k-th smallest value, k counted from 1, the largest when there are fewer.

    >>> pl.DataFrame({"r": [3.0, 1.0, 2.0]}).select(nth_smallest(pl.col("r"), pl.lit(2))).item()
    2.0
    """
    return values.sort().get(pl.min_horizontal(k, pl.len().cast(pl.Int64)) - 1)


def in_table_order(cells: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """The columns of a quantile table in their order and types, without the boosters."""
    bounds = [f"{side}-{level}" for level in levels for side in ("lo", "hi")]
    return cells.select(*GROUP, pl.col("block").cast(pl.Int32), "floor", "n", "skew", *bounds, "interval")
