"""Price elasticity of each series: the slope of its log sales over its log prices, and the sales that it predicts.

`lines` returns the line of each day, over one of the `windows` (one year, two), `lines_on` those of a few days;
`features` looks them up at the lead of a row. Trees learn what a price does to all series on average; how this series
responds has to come as a feature.
"""

from __future__ import annotations

import polars as pl

from forecasting.features.base import SERIES, Context, Feature, Lead, rolling_mean
from forecasting.features.looked_up import Days
from forecasting.features.sales import Y, recent_level
from forecasting.frequency import Frequency

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
    """The windows over which lines are fitted, in periods: one year and two; none without a price."""
    year = context.config.frequency.year
    return (year, 2 * year) if has_price(context) else ()


LOG_PRICE = "_log_price"
"""The column of log_price."""
MEANS = pl.col("x", "z", "xx", "xz")
"""Log price and log sales, the square of the former and the product of both."""


def log_price(context: Context) -> list[pl.Expr]:
    """LOG_PRICE, null where the price is not above 0; nothing without a price column."""
    if not has_price(context):
        return []
    price = pl.col(str(context.config.columns.price)).cast(pl.Float64)
    return [pl.when(price > 0).then(price.log()).alias(LOG_PRICE)]


def lines(rows: pl.DataFrame, window: int) -> pl.DataFrame:
    """Three columns by row of `rows` [unique_id, ds, y, LOG_PRICE], sorted by series and day: slope and middle (mean
    log price and log sales) of the line through the `window` periods up to it.
    """
    return _products(rows.lazy()).select(rolling_mean(MEANS, window)).select(_line(window)).collect()


def lines_on(days: Days, rows: pl.DataFrame, window: int, frequency: Frequency) -> pl.DataFrame:
    """The same by row of a span of days alone.

    Their windows have most days in common: these are one row, the sum of all, for sums over windows that are shorter.
    """
    first, last = days
    there = pl.col("ds").is_between(frequency.shift(first, -window), last, closed="right")
    products = _products(rows.lazy().filter(there)).collect()
    common = pl.col("ds").is_between(frequency.shift(last, 1 - window), first)
    goes_on = common & common.shift(1) & (pl.col(SERIES) == pl.col(SERIES).shift(1))
    row = (~goes_on.fill_null(False)).cast(pl.UInt32).cum_sum().set_sorted().alias("_row")
    added = [pl.col(SERIES).first(), pl.col("ds").last(), MEANS.sum(), pl.col("x").count().cast(pl.Float64).alias("_n")]
    sums = products.with_columns(row).group_by("_row", maintain_order=True).agg(added)
    shorter = min(window, pl.select(frequency.steps(pl.lit(first), pl.lit(last))).item() + 1)
    over_window = pl.col("_n", "x", "z", "xx", "xz").rolling_sum(shorter, min_samples=1).over(SERIES)
    found = sums.with_columns(over_window).filter(pl.col("ds").is_between(*days))
    return found.select(pl.when(pl.col("_n") > 0).then(MEANS / pl.col("_n"))).select(_line(window))


def _products(rows: pl.LazyFrame) -> pl.LazyFrame:
    """[unique_id, ds] and MEANS by row, null on days without a price or sales."""
    x_, z_ = pl.col("x"), pl.col("z")
    both = rows.select(SERIES, "ds", x=LOG_PRICE, z=pl.when(Y > 0).then(Y.log()))
    paired = both.select(SERIES, "ds", pl.col("x", "z") + 0 * (x_ + z_))
    return paired.with_columns(xx=x_ * x_, xz=x_ * z_)


def _line(window: int) -> list[pl.Expr]:
    """Slope and middle of a line, from the means."""
    slope = (pl.col("xz") - pl.col("x") * pl.col("z") + DOUBT * USUAL) / (
        (pl.col("xx") - pl.col("x") ** 2).clip(0) + DOUBT
    )
    return [
        slope.clip(None, 0).alias(f"_slope_{window}"),
        pl.col("x").alias(f"_mean_price_{window}"),
        pl.col("z").alias(f"_mean_sales_{window}"),
    ]


def features(context: Context, lead: Lead) -> list[Feature]:
    """Per window `price_slope_*`, the elasticity, at most 0, shrunk to USUAL, and `price_dear_*`, the recent level over
    the sales that the line predicts at the price of the row (ratio): from sales at least the lead of a row back.
    """
    if not has_price(context):
        return []
    unit, price = recent_level(context, lead), context.config.columns.price
    made = []
    for window in windows(context):
        slope, at_price, at_sales = (
            lead.back(pl.col(f"_{name}_{window}")) for name in ("slope", "mean_price", "mean_sales")
        )
        moved = (slope * (pl.col(LOG_PRICE) - at_price)).clip(-WIDEST, WIDEST)
        far, dear = max(window + lead.most, unit.lookback), unit.expr / (at_sales + moved).exp()
        made += [
            Feature(f"price_slope_{window}", slope, far),
            Feature(f"price_dear_{window}", dear, far, price, price),
        ]
    return made
