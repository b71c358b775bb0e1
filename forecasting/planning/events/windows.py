"""When something happened to a series: `find_events` takes rows and returns promotions and price changes as windows.

A promotion is a run of periods with the promotion on, whatever the price does within it. A price change begins where a
price differs by LEAST from the one before and no promotion begins or ends; it lasts as long as the price, and at most
LONGEST seasons, for by then people are used to it.
"""

from __future__ import annotations

import polars as pl

from forecasting.features.base import SERIES

LONGEST = 4
"""Seasons of a price change that are looked at."""
LEAST = 0.03
"""A price that differs by a smaller share is the same price: means over customers or a week are never quite equal."""
PROMOTION, PRICE = "promotion", "price"


def find_events(rows: pl.DataFrame, season: int) -> pl.DataFrame:
    """[unique_id, kind, start, end, first, last, price_before]: one row per event, sorted by series and start.

    `rows` [unique_id, ds, promo, price] are complete on the calendar and sorted, prices null where unknown; `first` and
    `last` are the numbers of the event's rows, `price_before` is the newest price before it. What begins with the first
    row of a series has no before, and is none.

    >>> plans = {"promo": [0.0, 1.0, 1.0, 0.0, 0.0], "price": [2.0, 1.0, 1.0, 2.0, 3.0]}
    >>> rows = pl.DataFrame({"unique_id": ["a"] * 5, "ds": range(5), **plans})
    >>> find_events(rows, 7).select("kind", "start", "end", "price_before").rows()
    [('promotion', 1, 2, 2.0), ('price', 4, 4, 2.0)]
    """
    known = rows.with_row_index("_row").with_columns(
        _price=pl.col("price").forward_fill().over(SERIES), _on=pl.col("promo") != 0
    )
    before = pl.col("_price", "_on").shift(1).over(SERIES).name.prefix("_before")
    marked = known.with_columns(before)
    switched = (pl.col("_on") != pl.col("_before_on")).fill_null(value=True)
    moved = ((pl.col("_price") / pl.col("_before_price") - 1).abs() >= LEAST).fill_null(value=False)
    marked = marked.with_columns(
        _promotion=switched.cum_sum().over(SERIES),
        _era=(moved | switched).cum_sum().over(SERIES),
        _new=moved & ~switched,
    )
    promotions = _runs(marked.filter("_on"), "_promotion", PROMOTION)
    eras = _runs(marked, "_era", PRICE).filter("_changed").drop("_changed")
    short = pl.col("first") + LONGEST * season - 1
    prices = eras.filter(~pl.col("_promoted")).with_columns(last=pl.min_horizontal("last", short))
    every = pl.concat([promotions.drop("_changed"), prices]).drop("_promoted", "end").drop_nulls("_begun")
    end = rows["ds"].gather(every["last"])
    found = every.with_columns(end=end).sort(SERIES, "start", "kind")
    return found.select(SERIES, "kind", "start", "end", "first", "last", "price_before")


def _runs(rows: pl.DataFrame, run: str, kind: str) -> pl.DataFrame:
    """One row per series and run of the column."""
    return rows.group_by(SERIES, run, maintain_order=True).agg(
        pl.lit(kind).alias("kind"),
        start=pl.col("ds").first(),
        end=pl.col("ds").last(),
        first=pl.col("_row").first().cast(pl.Int64),
        last=pl.col("_row").last().cast(pl.Int64),
        price_before=pl.col("_before_price").first(),
        _begun=pl.col("_before_on").first(),
        _promoted=pl.col("_on").first(),
        _changed=pl.col("_new").first(),
    ).drop(run)  # fmt: skip
