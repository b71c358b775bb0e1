"""What is said of new series: what like series sell, phase by phase of the season, and how series begin."""

from __future__ import annotations

from functools import partial

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.data.schemas import interval_columns
from forecasting.models.cold_start import intervals, series_level
from forecasting.models.cold_start.seasonal_profile import measure, narrowest, told

LIKE = "like "
LAUNCH = ", launch"
NOTHING = "nothing known"


def new(cut: Cut, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows (`_since`, the day of the first observation) of series that were never observed, and, where it is known
    how series begin, of those that were first observed in the last week of days, month of weeks or quarter of months.
    """
    few = cut.config.frequency.shift(cut.cutoff, -cut.config.frequency.windows[0])
    unseen, young = rows.filter(pl.col("_since").is_null()), rows.filter(pl.col("_since") > few)
    return unseen if young.is_empty() or cut.launches.is_empty() else pl.concat([unseen, young])


def like(cut: Cut, frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, yhat, source, q50, lo-L, hi-L ...] for the future rows of the new series `rows` (unique_id) of
    `frame`, a frame of the cut.

    What the narrowest group of like series sells in the phase of the day (the same item in other stores, the category,
    the store, ..., all series), as much more or less as all groups of the series make likely (see size); `source` names
    the narrowest: "like category=food". Where it is known how series begin (launch_curves), times the factor of its
    age: "like category=food, launch". A young series that has been observed is answered so only where that is known,
    and in the measure of what it has sold. Bounds are null where too few series are known to tell the errors (see
    errors).
    """
    ids = rows["unique_id"].unique().sort()
    return cut.once(("like", tuple(ids)), partial(_like, cut, frame, ids))


def bounded(cut: Cut, frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Forecast rows of `frame` with q50 and bounds of those that like series tell, null where these know none."""
    asked = rows.filter(is_like())
    if asked.is_empty():
        return rows
    said = like(cut, frame, asked)
    own = [c for c in said.columns if c not in (*KEY, "source")]
    absent = [pl.lit(None, pl.Float64).alias(c) for c in own if c not in rows.columns]
    both = rows.with_columns(absent).join(
        said.select(*KEY, *own), on=KEY, how="left", suffix="_like", maintain_order="left"
    )
    share = pl.when(pl.col("yhat_like") > 0).then(pl.col("yhat") / pl.col("yhat_like")).otherwise(1.0)
    spread = [c for c in own if c != "yhat"]
    mine = [pl.when(is_like()).then(pl.col(f"{c}_like") * share).otherwise(c).alias(c) for c in spread]
    return both.with_columns(mine).drop(f"{c}_like" for c in own)


def is_like() -> pl.Expr:
    """Rows for which only like series speak."""
    return pl.col("source").str.starts_with(LIKE)


def _like(cut: Cut, frame: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    known = pl.col("y").is_not_null() | (pl.col("ds") > cut.cutoff)
    days = frame.filter(known, pl.col("unique_id").is_in(ids.implode())).with_columns(_age(cut))
    sizes = _sizes(cut, days)
    said = told(cut, days, sizes, series_level.of_groups(cut, series_level.known(cut)))
    begun = narrowest(cut, days, cut.launches.rename({"age": "_age"}), "_age").select(*KEY, "factor")
    said = said.join(begun, on=KEY, how="left").with_columns(yhat=pl.col("yhat") * pl.col("factor").fill_null(1.0))
    launched, seen = (pl.col(c).is_not_null().any().over("unique_id") for c in ("factor", "y"))
    said = said.with_columns(yhat=pl.col("yhat") * measure()).filter(launched | ~seen).filter(pl.col("ds") > cut.cutoff)
    label = pl.when(pl.col("factor").is_not_null()).then(pl.lit(LAUNCH)).otherwise(pl.lit(""))
    spread = [pl.col(c) * pl.col("yhat") for c in ("q50", *interval_columns(cut.config.level))]
    return said.select(*KEY, "yhat", *spread, source=pl.lit(LIKE) + pl.col("group") + label)


def _sizes(cut: Cut, days: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, multiple, q50, lo-L, hi-L ...]: how much each series of `days` sells in multiples of the usual, and
    which multiples of what is said of it it may sell; null where too few series are known.
    """
    around, parts = series_level.known(cut), []
    for levels, rows in series_level.by_levels(cut, around, series_level.asked(around, days)):
        sized = rows.with_columns(_multiple=series_level.multiples(around, rows, levels))
        parts.append(intervals.bounds(cut, levels, sized))
    return pl.concat(parts)


def _age(cut: Cut) -> pl.Expr:
    """Periods since the first row: the first observation, or the first planned day of a series that is announced."""
    return cut.config.frequency.steps(pl.col("ds").min().over("unique_id"), pl.col("ds")).alias("_age")
