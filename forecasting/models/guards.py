"""No wild extrapolation leaves the house: every forecast is held against the largest value its series has known."""

from __future__ import annotations

import polars as pl

from forecasting.data.cut import Cut
from forecasting.features.groups import group_label

FACTOR = 5.0
"""A promotion, a season that comes for the first time or a scenario may lift sales above all that was seen, but not to
more than so many times the largest value."""
CAPPED = ", capped"


def caps(cut: Cut, frame: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, most]: what |forecast| may not exceed, in units of y, for the series of `frame`, a frame of the cut.

    FACTOR times the largest |y| observed up to the cutoff. A series shorter than the window that tells a level, or
    which has never sold, may also go as high as its groups: the largest mean value per series and period of all series
    and of those that share one of its static texts. Null where neither has anything: nothing is known to hold it by.
    """
    own = frame.group_by("unique_id", maintain_order=True).agg(_top=pl.col("y").abs().max(), _n=pl.col("y").count())
    short = (pl.col("_n") < cut.config.frequency.level_window) | (pl.col("_top") == 0)
    top = pl.when(short).then(pl.max_horizontal("_top", "_group")).otherwise("_top")
    told = own.join(_of_groups(cut, frame), on="unique_id", how="left").select("unique_id", most=FACTOR * top)
    return told.with_columns(most=pl.when(pl.col("most") > 0).then("most"))


def _of_groups(cut: Cut, frame: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, _group]: the largest mean value of a period in any group of the series."""
    texts = [c for c in cut.config.static_columns if frame.schema.get(c) == pl.String]
    labels = [group_label(level) for level in ((), *((c,) for c in texts))]
    homes = frame.group_by("unique_id").last().select("unique_id", group=pl.concat_list(labels)).explode("group")
    known = cut.panel.groups
    if known.is_empty():  # aggregates belong to no group
        return homes.select("unique_id", _group=pl.lit(None, pl.Float64)).unique()
    mean = (pl.col("y_sum") / pl.col("y_count")).abs()
    tops = known.filter(pl.col("ds") <= cut.cutoff).group_by("group").agg(_group=mean.max())
    return homes.join(tops, on="group", how="left").group_by("unique_id").agg(pl.col("_group").max())


def capped(forecast: pl.DataFrame, most: pl.DataFrame) -> pl.DataFrame:
    """`forecast` (unique_id, yhat, source, perhaps lo-* and hi-*) within -most .. most of `caps`; where yhat had to be
    changed, `source` says so: "LightGBM, capped".
    """
    numbers = [c for c in forecast.columns if c in ("yhat", "q50") or c.startswith(("lo-", "hi-"))]
    bites = (pl.col("yhat").abs() > pl.col("most")).fill_null(value=False)
    rows = forecast.join(most, on="unique_id", how="left", maintain_order="left")
    value, top = pl.col(numbers), pl.col("most")
    held = pl.when(value.abs() > top).then(value.sign() * top).otherwise(value).name.keep()
    source = pl.when(bites).then(pl.col("source") + CAPPED).otherwise("source")
    return rows.with_columns(held, source=source).drop("most")
