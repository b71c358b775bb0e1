"""What was seen of a lever: `facts_of_lever` takes rows of the history and a Lever, and returns a row per series.

[unique_id, grain, lever, column, kind, text, changes, periods, low, high, reach_low, reach_high, last, window], see
LEVERS in data/schemas/lever_table; nothing is estimated.
"""

from __future__ import annotations

import polars as pl

from forecasting.planning.response.levers import PRICE, Lever

REACH = 0.01
"""Prices of all series, each against its usual one: within the quantiles of this share on either side a price says
something of a series that never had it, because others did."""


def facts_of_lever(rows: pl.DataFrame, lever: Lever) -> pl.DataFrame:
    """What was seen of a lever in rows [unique_id, ds, columns of levers], by series.

    >>> rows = pl.DataFrame({"unique_id": ["A"] * 4, "ds": [1, 2, 3, 4], "promo": [0.0, 1.0, 1.0, 0.0]})
    >>> facts_of_lever(rows, Lever("promo", "flag")).select("changes", "periods", "low", "high", "last").row(0)
    (2, 4, 0.0, 1.0, 0.0)
    """
    known = rows.select("unique_id", "ds", _value=lever.value).drop_nulls("_value").sort("unique_id", "ds")
    value = pl.col("_value")
    of = known.group_by("unique_id").agg(
        changes=(value.diff() != 0).sum(),
        periods=pl.len(),
        low=value.min(),
        high=value.max(),
        last=value.last(),
        _usual=value.median(),
    )
    low, high = _reach(known, of, lever)
    names = {"grain": "series", "lever": lever.name, "column": lever.column, "kind": lever.kind, "text": lever.text}
    literals = [pl.lit(name, pl.String).alias(column) for column, name in names.items()]
    window = pl.lit(lever.periods or None, pl.Int64)
    return of.with_columns(*literals, window=window, reach_low=low, reach_high=high).drop("_usual").sort("unique_id")


def _reach(known: pl.DataFrame, of: pl.DataFrame, lever: Lever) -> tuple[pl.Expr, pl.Expr]:
    """The least and the greatest value at which the effect is followed, by series: its own range, and as far beyond as
    prices of all series go from their usual one; for other levers the range of all series.
    """
    if lever.kind != PRICE:
        return pl.lit(known["_value"].min(), pl.Float64), pl.lit(known["_value"].max(), pl.Float64)
    usual = pl.col("_usual")
    relative = known.join(of, on="unique_id").select(_relative=pl.col("_value") / usual).to_series()
    least, most = (float(relative.quantile(share) or 1.0) for share in (REACH, 1 - REACH))
    return pl.min_horizontal("low", usual * least), pl.max_horizontal("high", usual * most)
