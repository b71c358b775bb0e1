"""Cold start: `similar_series_forecasts` forecasts new series from similar ones, by season and along a launch curve.

It takes a Cut (what was known on a cutoff, future rows included), a frame of it and rows of new series, as from
`select_new_series`, and returns [unique_id, ds, yhat, q50, lo-L, hi-L ..., source, cold_start], in units of y.
`add_bounds` takes forecasts of all series and returns them with q50 and bounds of the cold starts among them;
`forecasts_like` takes the forecast of a series that a new one is declared to resemble, and returns that of the new one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.launch_curves import launch_curves_at
from forecasting.data.panel import KEY
from forecasting.data.schemas import interval_columns
from forecasting.models import sources
from forecasting.models.cold_start import intervals, series_level
from forecasting.models.cold_start.seasonal_profile import level_correction, narrowest_group, profile_forecasts


def select_new_series(cut: Cut, rows: pl.DataFrame) -> pl.DataFrame:
    """The future `rows` (with `_since`, the day of the first observation) of series that need a cold start.

    These are series that were never observed and, where launch curves are known, series that were first observed in
    the last week of days, month of weeks or quarter of months.
    """
    recently = cut.config.frequency.shift(cut.cutoff, -cut.config.frequency.windows[0])
    unseen, launched = rows.filter(pl.col("_since").is_null()), rows.filter(pl.col("_since") > recently)
    return unseen if launched.is_empty() or launch_curves_at(cut).is_empty() else pl.concat([unseen, launched])


def similar_series_forecasts(cut: Cut, frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, yhat, q50, lo-L, hi-L ..., source, cold_start] for the new series in `rows`, in units of y.

    One row per future row of `frame` (a frame of the cut) for which similar series exist. yhat is the seasonal profile
    of the narrowest group that is large enough (the same item in other stores, the category, the store, ..., all
    series), scaled to the level that all groups of the series suggest (see series_level), times the launch curve at its
    age where one is known (see data/launch_curves). `source` names that group: "similar series (category=food) with
    launch curve". A series that has some observations gets rows only where a launch curve is known, corrected by what
    it has sold so far. Bounds are null where too few series are known to measure errors (see intervals).
    """
    ids = rows["unique_id"].unique().sort()
    return cut.cached(("similar series", tuple(ids)), partial(_similar_series_forecasts, cut, frame, ids))


def forecasts_like(cut: Cut, days: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, yhat, q50, lo-L, hi-L ..., factor, suggested, group, source, cold_start] of new series, one row
    per row of `days`.

    `days` [unique_id, ds, y, static columns, like, planned, yhat] are the first days of each, y null; `planned` and
    yhat are the forecast of the series that it is `like`, as planned and as asked for, in units of y. yhat is
    multiplied by the launch curve at the age of the day (`factor`, 1 without one). `suggested` is what an announced
    series would be forecast as, by source `group`, null where no similar series are known.

    Nobody knows how alike the two will be. So the bounds hold, whether it is or not: they reach from the lower to the
    upper ones of an announced series at this forecast, and of one at what is suggested. Where the other series was
    drawn at random, bounds of 80 and 95 % covered 79 and 94 % of the sales of juice by week (the same brand in another
    store) and 80 and 94 % (another brand of the store); those around the forecast alone 56 and 79 %, 45 and 68 %. Null
    where too few series are known to measure errors.
    """
    aged = days.with_columns(_age(cut))
    rows = aged.join(_launch_factors(cut, aged), on=KEY, how="left", maintain_order="left")
    launched = pl.col("factor").is_not_null().any().over("unique_id")
    rows = rows.with_columns(pl.col("factor").fill_null(1.0), source=sources.like_series(pl.col("like"), launched))
    rows = rows.with_columns(pl.col("yhat", "planned") * pl.col("factor"), cold_start=pl.lit(value=True))
    spread = ["q50", *interval_columns(cut.config.level)]
    similar = _similar_series_forecasts(cut, days, days["unique_id"].unique())
    of_groups = similar.select(*KEY, *(pl.col(c).alias(f"_{c}") for c in spread), suggested="yhat", group="source")
    rows = rows.join(of_groups, on=KEY, how="left", maintain_order="left")
    rows = rows.join(_levels(cut, aged).select("unique_id", *spread), on="unique_id", how="left", maintain_order="left")
    share = pl.when(pl.col("planned") > 0).then(pl.col("yhat") / pl.col("planned")).otherwise(1.0)
    bounds = [_outer(c)(pl.col(c) * pl.col("yhat"), pl.col(f"_{c}") * share).alias(c) for c in spread[1:]]
    scaled = rows.with_columns(pl.col("q50") * pl.col("yhat"), *bounds)
    return scaled.select(*KEY, "yhat", *spread, "factor", "suggested", "group", "source", "cold_start")


def _outer(bound: str) -> Callable[..., pl.Expr]:
    """Which of two such bounds lies further out."""
    return pl.min_horizontal if bound.startswith("lo-") else pl.max_horizontal


def add_bounds(cut: Cut, frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Forecast `rows` of `frame` with q50 and lo-L, hi-L of the cold starts among them, in units of y.

    Bounds are scaled with yhat where that differs from the cold start's (capped or combined). Other rows keep their
    values; columns that `rows` lack are null there.
    """
    cold = rows.filter("cold_start")
    if cold.is_empty():
        return rows
    found = similar_series_forecasts(cut, frame, cold)
    values = [c for c in found.columns if c not in (*KEY, "source", "cold_start")]
    absent = [pl.lit(None, pl.Float64).alias(c) for c in values if c not in rows.columns]
    similar = found.select(*KEY, *values)
    both = rows.with_columns(absent).join(similar, on=KEY, how="left", suffix="_similar", maintain_order="left")
    share = pl.when(pl.col("yhat_similar") > 0).then(pl.col("yhat") / pl.col("yhat_similar")).otherwise(1.0)
    spread = [c for c in values if c != "yhat"]
    scaled = [pl.when("cold_start").then(pl.col(f"{c}_similar") * share).otherwise(c).alias(c) for c in spread]
    return both.with_columns(scaled).drop(f"{c}_similar" for c in values)


def _similar_series_forecasts(cut: Cut, frame: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    usable = pl.col("y").is_not_null() | (pl.col("ds") > cut.cutoff)
    days = frame.filter(usable, pl.col("unique_id").is_in(ids.implode())).with_columns(_age(cut))
    group_levels = series_level.group_multiples(cut, series_level.observed_series(cut))
    rows = profile_forecasts(cut, days, _levels(cut, days), group_levels)
    rows = rows.join(_launch_factors(cut, days), on=KEY, how="left").with_columns(
        yhat=pl.col("yhat") * pl.col("factor").fill_null(1.0)
    )
    launched, observed = (pl.col(c).is_not_null().any().over("unique_id") for c in ("factor", "y"))
    rows = rows.with_columns(yhat=pl.col("yhat") * level_correction())
    future = rows.filter(launched | ~observed).filter(pl.col("ds") > cut.cutoff)
    spread = [pl.col(c) * pl.col("yhat") for c in ("q50", *interval_columns(cut.config.level))]
    source = sources.similar_series(pl.col("group"), pl.col("factor").is_not_null())
    return future.select(*KEY, "yhat", *spread, source=source, cold_start=pl.lit(value=True))


def _launch_factors(cut: Cut, days: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, factor] of the days whose series has a group with a launch curve, at their `_age`."""
    curves = launch_curves_at(cut).rename({"age": "_age"})
    return narrowest_group(cut, days, curves, "_age").select(*KEY, "factor")


def _levels(cut: Cut, days: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, multiple, q50, lo-L, hi-L ...]: the level of each series of `days` as a multiple of the mean series,
    and quantiles of its sales as multiples of its forecast; null where too few series are known.
    """
    observed, parts = series_level.observed_series(cut), []
    targets = series_level.target_series(observed, days)
    for levels, rows in series_level.split_by_levels(cut, observed, targets):
        sized = rows.with_columns(_multiple=series_level.predict_multiples(observed, rows, levels))
        parts.append(intervals.cold_start_quantiles(cut, levels, sized))
    return pl.concat(parts)


def _age(cut: Cut) -> pl.Expr:
    """Periods since the first row: the first observation, or the first planned day of a series that is announced."""
    return cut.config.frequency.steps(pl.col("ds").min().over("unique_id"), pl.col("ds")).alias("_age")
