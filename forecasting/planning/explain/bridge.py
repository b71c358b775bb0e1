"""A bridge between two forecasts of the same days: `bridge` takes forecasts with one thing changed after the other.

Each step of CHANGES changes one thing and leaves the rest; steps add up to the difference exactly, because each begins
where the last one ends. Where nothing has changed a step is exactly 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from forecasting.data.panel import KEY

CHANGES = {
    "known ahead": "prices, promotions and other columns known ahead, as they are planned now",
    "data": "what was sold since, and corrections of the past",
    "model": "the model that was trained since",
    "published": "what the steps before cannot show: the data or the model of then are not kept any more",
}
"""The steps in their order."""


def bridge(before: pl.DataFrame, steps: Mapping[str, pl.DataFrame], after: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, before, CHANGES ..., after]: one row per series and day that both forecasts hold, in units of y.

    `before` and `after` are the published forecasts [unique_id, ds, yhat]; `steps` are forecasts of the same days, by
    the names "then" (before, made again) and those of CHANGES, each with its thing and those before it changed. A day
    that a step cannot forecast (it has been sold since) goes with the next step.

    >>> day = pl.DataFrame({"unique_id": ["a"], "ds": [1], "yhat": [10.0]})
    >>> bridge(day, {"data": day.with_columns(yhat=12.0)}, day.with_columns(yhat=11.5)).row(0)
    ('a', 1, 10.0, 0.0, 2.0, 0.0, -0.5, 11.5)
    """
    rows = before.select(*KEY, before="yhat").join(after.select(*KEY, after="yhat"), on=KEY)
    for name, frame in steps.items():
        rows = rows.join(
            frame.select(*KEY, pl.col("yhat").alias(f"_{name}")), on=KEY, how="left", maintain_order="left"
        )
    then = pl.coalesce("_then", "before") if "then" in steps else pl.col("before")
    last, parts = then, {}
    for name in CHANGES:
        if f"_{name}" in rows.columns:
            now = pl.coalesce(f"_{name}", last)
            parts[name], last = now - last, now
    parts["published"] = then - pl.col("before") + (pl.col("after") - last)
    return rows.select(*KEY, "before", *(parts.get(n, pl.lit(0.0)).alias(n) for n in CHANGES), "after").sort(KEY)
