"""Limits on forecasts: `forecast_limits` derives one per series from a Cut, `cap_forecasts` clips forecasts to them.

The limits are rows [unique_id, limit]: five times the largest |y| of the series; series that are short or never sold
may also go as high as five times the largest mean of their groups. `cap_forecasts` returns all rows, with yhat, q50 and
bounds within the limit and a mark in `source` where yhat was changed.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.cut import Cut
from forecasting.features.groups import group_label
from forecasting.models import sources

FACTOR = 5.0
"""A promotion, a season that comes for the first time or a scenario may lift sales above all that was seen, but not to
more than so many times the largest value."""


def forecast_limits(cut: Cut, frame: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, limit]: the largest allowed |forecast| of each series of `frame` (a frame of the cut), in units of y.

    FACTOR times the largest |y| observed up to the cutoff. A series shorter than the level window, or one that has
    never sold, may also go as high as its groups: the largest mean value per series and period of all series and of
    those that share one of its static texts. Null where neither has any sales to derive a limit from.
    """
    series = frame.group_by("unique_id", maintain_order=True).agg(_top=pl.col("y").abs().max(), _n=pl.col("y").count())
    short = (pl.col("_n") < cut.config.frequency.level_window) | (pl.col("_top") == 0)
    top = pl.when(short).then(pl.max_horizontal("_top", "_group")).otherwise("_top")
    limits = series.join(_largest_of_groups(cut, frame), on="unique_id", how="left")
    limits = limits.select("unique_id", limit=FACTOR * top)
    return limits.with_columns(limit=pl.when(pl.col("limit") > 0).then("limit"))


def _largest_of_groups(cut: Cut, frame: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, _group]: the largest mean value of a period in any group of the series."""
    schema = frame.schema
    texts = [c for c in cut.config.static_columns if schema.get(c) == pl.String]
    labels = [group_label(level) for level in ((), *((c,) for c in texts))]
    homes = frame.group_by("unique_id").last().select("unique_id", group=pl.concat_list(labels)).explode("group")
    groups = cut.groups
    if groups.is_empty():  # aggregates belong to no group
        return homes.select("unique_id", _group=pl.lit(None, pl.Float64)).unique()

    def largest() -> pl.DataFrame:
        mean = (pl.col("y_sum") / pl.col("y_count")).abs()
        return groups.filter(pl.col("ds") <= cut.cutoff).group_by("group").agg(_group=mean.max())

    tops = cut.shared("largest of groups", largest)
    return homes.join(tops, on="group", how="left").group_by("unique_id").agg(pl.col("_group").max())


def cap_forecasts(forecasts: pl.DataFrame, limits: pl.DataFrame) -> pl.DataFrame:
    """The rows of `forecasts` with yhat, q50 and bounds clipped to -limit .. limit of their series.

    `forecasts` holds [unique_id, yhat, source, perhaps q50, lo-L, hi-L], `limits` are rows of `forecast_limits`. Where
    yhat had to be changed, `source` is marked: "LightGBM (capped)".
    """
    numbers = [c for c in forecasts.columns if c in ("yhat", "q50") or c.startswith(("lo-", "hi-"))]
    exceeds = (pl.col("yhat").abs() > pl.col("limit")).fill_null(value=False)
    rows = forecasts.join(limits, on="unique_id", how="left", maintain_order="left")
    value, limit = pl.col(numbers), pl.col("limit")
    clipped = pl.when(value.abs() > limit).then(value.sign() * limit).otherwise(value).name.keep()
    source = pl.when(exceeds).then(pl.col("source") + sources.CAPPED).otherwise("source")
    return rows.with_columns(clipped, source=source).drop("limit")
