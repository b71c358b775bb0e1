"""The table of past events: `finish` takes measured events and prices and returns the columns that people read.

Units become intervals, shares, revenue and, where the cost of a unit is known, margin. COLUMNS says what each holds.
"""

from __future__ import annotations

import polars as pl

LEVEL = 90
"""Percent of the intervals."""
NORMAL = 1.645
"""Standard errors to each side of them."""
COLUMNS = {
    "unique_id": "the series",
    "kind": "promotion, or price: a change of price without a promotion",
    "start": "first day",
    "end": "last day; of a change of price at most four seasons later",
    "periods": "days of it on which sales were observed",
    "price_before": "newest price before it",
    "price": "mean price during it",
    "sold": "units sold",
    "baseline": "units to be expected without it: by level, trend, season and holidays, at the price before",
    "uplift": "sold less baseline",
    f"lo-{LEVEL}": f"lower bound of the uplift, {LEVEL} %",
    f"hi-{LEVEL}": f"upper bound of the uplift, {LEVEL} %",
    "share": "uplift over baseline",
    "dip": "units sold in the season after it above what was to be expected; below 0: bought earlier",
    "dip_se": "standard error of the dip",
    "halo": "units that series of the same market without a promotion sold above what was to be expected",
    "halo_se": "standard error of the halo",
    "others": "other events of the market on the same days: they share the halo",
    "net": "uplift and dip together",
    "revenue": "sold x price less baseline x price before",
    "margin": "the same less the cost of these units; null where no cost is known",
}


def finish(events: pl.DataFrame) -> pl.DataFrame:
    """[COLUMNS ...] of `events` with [price, cost, uplift, uplift_se, dip, halo ...], sorted by series and day.

    >>> row = {"unique_id": "a", "kind": "promotion", "start": 1, "end": 2, "periods": 2, "others": 0}
    >>> row |= {"price_before": 3.0, "price": 2.0, "cost": 1.0, "sold": 30.0, "baseline": 10.0, "uplift": 20.0}
    >>> row |= {"uplift_se": 2.0, "dip": -4.0, "dip_se": 1.0, "halo": -3.0, "halo_se": 1.0}
    >>> finish(pl.DataFrame([row])).select("lo-90", "share", "net", "revenue", "margin").row(0)
    (16.71, 2.0, 16.0, 30.0, 10.0)
    """
    error, sold, due = NORMAL * pl.col("uplift_se"), pl.col("sold"), pl.col("baseline")
    made = {
        f"lo-{LEVEL}": pl.col("uplift") - error,
        f"hi-{LEVEL}": pl.col("uplift") + error,
        "share": pl.when(due > 0).then(pl.col("uplift") / due),
        "net": pl.col("uplift") + pl.col("dip"),
        "revenue": sold * pl.col("price") - due * pl.col("price_before"),
        "margin": sold * (pl.col("price") - pl.col("cost")) - due * (pl.col("price_before") - pl.col("cost")),
    }
    rows = events.with_columns(**made).select(COLUMNS.keys())
    return rows.sort("unique_id", "start", "kind")
