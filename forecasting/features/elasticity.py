"""Price elasticity of each series: the slope of its log sales over its log prices, and the sales that it predicts.

`add_elasticity_columns` takes rows of the panel and returns them with both columns per window (1, 2 years); `features`
lists these. Trees learn what a price does to all series on average; how this series responds has to come as a feature.
"""

from __future__ import annotations

import polars as pl

from forecasting.features.base import SERIES, Context, Feature
from forecasting.features.sales import Y, recent_level

USUAL = -2.0
"""The slope where prices have not moved: the price elasticity of goods in shops is about -2 (Bijmolt, van Heerde &
Pieters, "New empirical generalizations on the determinants of price elasticity", 2005, and those before them)."""
DOUBT = 4e-4
"""The weight of USUAL, as a variance of log prices: that of a price which moves by two hundredths."""
WIDEST = 3.0
"""The most that a price may move log sales in the prediction (20 times)."""


def has_price(context: Context) -> bool:
    """Whether there is a price."""
    return context.numeric(context.config.columns.price) is not None


def windows(context: Context) -> tuple[int, ...]:
    """The windows over which lines are fitted, in periods: one year and two."""
    year = context.config.frequency.year
    return year, 2 * year


def column_names(window: int) -> tuple[str, str]:
    """Names of the two features of a window; their columns have an underscore before them."""
    return f"price_slope_{window}", f"price_dear_{window}"


def add_elasticity_columns(frame: pl.DataFrame, context: Context, lead: int) -> pl.DataFrame:
    """The frame (rows sorted by unique_id and ds) with two columns per window, from sales at least `lead` periods back.

    `price_slope_*` is the elasticity, at most 0, shrunk to USUAL; `price_dear_*` the recent level over the sales that
    the line predicts at the price of the row (ratio). Unchanged without a price column.
    """
    if not has_price(context):
        return frame
    price = pl.col(str(context.config.columns.price)).cast(pl.Float64)
    x, z = pl.when(price > 0).then(price.log()), pl.when(Y > 0).then(Y.log())
    both = frame.select(SERIES, "y", x=x, z=z, unit=recent_level(context, lead).expr)
    paired = pl.col("x", "z") + 0 * (pl.col("x") + pl.col("z"))  # null on days without one of them
    both = both.with_columns(paired.name.suffix("k"))
    lines = [_line(both, window, lead) for window in windows(context)]
    return pl.concat([frame, *lines], how="horizontal_extend")


def _line(both: pl.DataFrame, window: int, lead: int) -> pl.DataFrame:
    """The two columns of one window, from moments of the days that have both a price and sales."""
    x, z = pl.col("xk"), pl.col("zk")
    products = both.select(SERIES, mx=x, mz=z, mxx=x * x, mxz=x * z)
    means = products.select(pl.exclude(SERIES).rolling_mean(window, min_samples=1).shift(lead).over(SERIES))
    slope = (pl.col("mxz") - pl.col("mx") * pl.col("mz") + DOUBT * USUAL) / (
        (pl.col("mxx") - pl.col("mx") ** 2).clip(0) + DOUBT
    )
    rows = pl.concat([both.select("x", "unit"), means], how="horizontal_extend").with_columns(slope=slope.clip(None, 0))
    moved = (pl.col("slope") * (pl.col("x") - pl.col("mx"))).clip(-WIDEST, WIDEST)
    slopes, dear = column_names(window)
    return rows.select(
        pl.col("slope").alias(f"_{slopes}"), (pl.col("unit") / (pl.col("mz") + moved).exp()).alias(f"_{dear}")
    )


def features(context: Context, lead: int) -> list[Feature]:
    """The columns of `add_elasticity_columns`."""
    if not has_price(context):
        return []
    unit, price = recent_level(context, lead), context.config.columns.price
    made = []
    for window in windows(context):
        slopes, dear = column_names(window)
        back = max(window + lead, unit.lookback)
        made += [Feature(slopes, pl.col(f"_{slopes}"), back), Feature(dear, pl.col(f"_{dear}"), back, price, price)]
    return made
