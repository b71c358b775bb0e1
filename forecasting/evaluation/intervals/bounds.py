"""Bounds of forecasts: backtest quantiles of the horizon block, else of all horizons, else the model's own bounds.

`add_bounds` takes forecasts with `scale`, a table of `fit_quantiles` and interval levels L in percent, and returns the
forecasts, in their order, with q50, lo-L, hi-L and `interval`, which names where the bounds come from. Cold starts keep
the bounds that they came with; a model without bounds gets normal ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt
from statistics import NormalDist

import polars as pl

from forecasting.evaluation.intervals import error_scale
from forecasting.evaluation.intervals.labels import ALL_HORIZONS, COLD_START, HORIZON_BLOCK, MODEL
from forecasting.evaluation.intervals.residuals import CELL, GROUP, SCALE, YHAT, is_closed, is_cold_start, least_sales


def add_bounds(
    forecasts: pl.DataFrame, quantiles: pl.DataFrame, levels: Sequence[int], y_min: float | None = None
) -> pl.DataFrame:
    """The forecasts, one row each and in their order, with q50, lo-L, hi-L of every level and `interval` (see labels).

    `forecasts` has model, grain, block, step, yhat, scale, mase_scale and rmsse_scale, and may have `closed`,
    `cold_start`, and bounds and a median (q50) by the model; those of cold starts (see models/cold_start) stay.
    `quantiles` is a table of `fit_quantiles`. The bounds of a row, in units of y, are nested and enclose q50, none is
    below `y_min` (without one: below `yhat_min`, a column of the forecasts); on a closed day all are 0.
    """
    rescaled = error_scale.rescale_forecasts(forecasts, error_scale.error_scale_models(quantiles))
    rows = join_quantiles(rescaled, quantiles.drop("widths", strict=False))
    ascending = sorted(levels)
    raw = [raw_bound(side, n, forecasts.columns) for n in levels for side in ("lo", "hi")]
    bounded = rows.with_columns(median(forecasts.columns), *raw, interval_method(levels, forecasts.columns))
    for outer, inner in zip(ascending, [None, *ascending], strict=False):
        bounded = bounded.with_columns(nest_bounds(inner, outer))
    limited = apply_limits(bounded, levels, y_min).with_columns(enclose_median(ascending[:1]))
    return limited.select(*output_columns(forecasts.columns, levels)).with_columns(forecasts["scale"])


def output_columns(columns: Sequence[str], levels: Sequence[int]) -> list[str]:
    """The columns of forecasts with bounds: those of the forecasts, then what is added.

    >>> output_columns(["ds", "q50", "yhat"], [80])
    ['ds', 'yhat', 'q50', 'lo-80', 'hi-80', 'interval']
    """
    added = ["q50", *(f"{side}-{level}" for level in levels for side in ("lo", "hi")), "interval"]
    return [*(c for c in columns if c not in added), *added]


def join_quantiles(forecasts: pl.DataFrame, quantiles: pl.DataFrame) -> pl.DataFrame:
    """Every forecast with the quantiles of its block and band (block:*) and of its model and grain (pooled:*).

    One row per forecast, in their order; the quantiles are null for cold starts.
    """
    blocks = with_prefix(quantiles.filter(pl.col("block").is_not_null()).sort("floor"), "block:", (*CELL, "floor"))
    pools = with_prefix(quantiles.filter(pl.col("block").is_null()).drop("block", "floor"), "pooled:", GROUP)
    # sorted are the columns that are compared, not all
    ordered = forecasts.select(*CELL, floor="yhat").with_row_index("order").sort("floor")
    floors = blocks.select(*CELL, "floor")
    found = ordered.join_asof(floors.with_row_index("band"), on="floor", by=CELL, check_sortedness=False)
    bands = blocks.drop(*CELL, "floor")[found.sort("order")["band"]]
    rows = pl.concat([forecasts, bands], how="horizontal").join(pools, on=GROUP, how="left", maintain_order="left")
    applicable = pl.when(~is_cold_start(forecasts.columns)).then(pl.col("^(block|pooled):.*$"))
    return rows.with_columns(applicable.name.keep())


def with_prefix(frame: pl.DataFrame, prefix: str, keys: Sequence[str]) -> pl.DataFrame:
    """The frame with the prefix before all columns but the keys, so that they do not collide with the forecast's."""
    return frame.rename({c: prefix + c for c in frame.columns if c not in keys})


def median(columns: Sequence[str]) -> pl.Expr:
    """q50: the model's median where there is one, else yhat and what of the block's skew has paid (see medians)."""
    skewed = YHAT + (pl.col("block:skew") * SCALE).fill_null(0.0)
    return (pl.coalesce("q50", skewed) if "q50" in columns else skewed).alias("q50")


def raw_bound(side: str, level: int, columns: Sequence[str]) -> pl.Expr:
    """A bound from the first source that has it, not yet nested; `columns` are those of the forecasts."""
    name = f"{side}-{level}"
    calibrated = [YHAT + pl.col(rung + name) * SCALE for rung in ("block:", "pooled:")]
    by_model = [pl.col(name)] if name in columns else []
    return pl.coalesce(*calibrated, *by_model, normal_bound(side, level)).alias(name)


def normal_bound(side: str, level: int) -> pl.Expr:
    """yhat -+ z sigma, sigma being the scale, a mean absolute error, times root of pi / 2 (normal distribution).

    >>> pl.DataFrame({"yhat": [10.0], "scale": [1.0]}).select(normal_bound("hi", 80).round(2)).item()
    11.61
    """
    z = NormalDist().inv_cdf(0.5 + level / 200) * sqrt(pi / 2)
    return YHAT + (z if side == "hi" else -z) * SCALE


def interval_method(levels: Sequence[int], columns: Sequence[str]) -> pl.Expr:
    """`interval`: the first source that has all bounds of the row; `columns` are those of the forecasts."""
    bounds = [f"{side}-{level}" for level in levels for side in ("lo", "hi")]
    has_cold_start = pl.all_horizontal(
        is_cold_start(columns), *(pl.col(c).is_not_null() for c in bounds if c in columns)
    )
    has_block = pl.col("block:interval").is_not_null()
    has_pool = pl.all_horizontal(pl.col(f"pooled:hi-{level}").is_not_null() for level in levels)
    rungs = {COLD_START: has_cold_start, HORIZON_BLOCK: has_block, ALL_HORIZONS: has_pool}
    named = [pl.when(has).then(pl.lit(name)) for name, has in rungs.items()]
    return pl.coalesce(*named, pl.lit(MODEL)).alias("interval")


def nest_bounds(inner: int | None, outer: int) -> list[pl.Expr]:
    """The bounds of level `outer` in order, and moved out to those of level `inner` where they would cross."""
    sides = [pl.col(f"lo-{outer}"), pl.col(f"hi-{outer}")]
    within = [] if inner is None else [pl.col(f"lo-{inner}"), pl.col(f"hi-{inner}")]
    low, high = pl.min_horizontal(*sides, *within), pl.max_horizontal(*sides, *within)
    return [low.alias(f"lo-{outer}"), high.alias(f"hi-{outer}")]


def enclose_median(innermost: Sequence[int]) -> list[pl.Expr]:
    """q50 moved into the narrowest interval, whose level is given.

    That interval is calibrated, and widening it for a median near the floor made the intervals of rare sellers cover
    far more than they promise.
    """
    return [pl.col("q50").clip(pl.col(f"lo-{n}"), pl.col(f"hi-{n}")) for n in innermost]


def apply_limits(rows: pl.DataFrame, levels: Sequence[int], y_min: float | None) -> pl.DataFrame:
    """The rows with q50 and bounds not below `y_min` or `yhat_min`, and 0 on closed days."""
    numbers = ["q50", *(f"{side}-{level}" for level in levels for side in ("lo", "hi"))]
    least = least_sales(rows.columns, y_min)
    floored = rows.with_columns(pl.when(pl.col(c) < least).then(least).otherwise(c).alias(c) for c in numbers)
    closed = is_closed(rows.columns)
    return floored.with_columns(pl.when(closed).then(0.0).otherwise(pl.col(numbers)).name.keep())
