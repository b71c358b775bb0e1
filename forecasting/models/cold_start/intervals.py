"""Prediction intervals of new series: errors of series with a history that are forecast as though they had none.

`cold_start_quantiles` takes a Cut, the levels of groups (combinations of static columns) and new series with their
predicted `_multiple`, and returns [unique_id, multiple, q50, lo-L, hi-L ...]: median and bounds as multiples of the
forecast, not in units of y; null where too few series are known.

One horizon ago the level of each fifth of the series is predicted from the other four, and what it sold since is taken
as a multiple of that forecast (cross-conformal prediction, Vovk 2015). Errors of one series are alike, as its level is
what is in doubt, so series are counted and not days (see Dunn, Wasserman & Ramdas, "Distribution-free prediction sets
for two-layer hierarchical models", 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import polars as pl

from forecasting.data import launch_curves, schemas
from forecasting.data.buckets import collect_each
from forecasting.data.cleaning import stable_y
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.features.groups import Level
from forecasting.models.cold_start import seasonal_profile, series_level

FOLDS = 5
MAX_SERIES = 5000
"""With more series, errors are measured on a sample of so many."""
MAX_BANDS, MIN_PER_BAND = 5, 100
"""At most so many bands of level, each with quantiles of its own and at least so many series."""
FOLD = pl.col("unique_id").hash(seed=0) % FOLDS
SAMPLE, AGE, LAUNCH = (pl.col("unique_id").hash(seed=seed) for seed in (1, 2, 3))
"""Pseudo-random numbers of a series, independent of each other: for sampling, for its assumed age and its launch."""


def cold_start_quantiles(cut: Cut, levels: Sequence[Level], sized: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, multiple, q50, lo-L, hi-L ...]: one row per new series of `sized`, as multiples of its forecast.

    `sized` are rows of series_level.target_series with `_multiple`, predicted from groups of `levels`. Null where so
    few series are known that a bound would have to lie beyond all errors.
    """
    table = cut.shared(("cold start errors", tuple(levels)), partial(_quantile_table, cut, tuple(levels)))
    rows = sized.select("unique_id", multiple="_multiple", begun=pl.col("_n") > 0).sort("multiple")
    near = rows.join_asof(table, left_on="multiple", right_on="floor", by="begun", check_sortedness=False)
    return near.select("unique_id", "multiple", "q50", *schemas.interval_columns(cut.config.level))


def _quantile_table(cut: Cut, levels: tuple[Level, ...]) -> pl.DataFrame:
    """[begun, floor, q50, lo-L, hi-L ...]: quantiles by whether a series has begun to sell, for levels from `floor` up
    to the next floor.
    """
    ratios = _ratios(cut, levels)
    banded = ratios.join(_bands(ratios), on=["unique_id", "begun"])
    found = banded.group_by("begun", "band").agg(pl.col("multiple").min().alias("floor"), *_quantiles(cut.config.level))
    lowest = pl.when(pl.col("band") == 0).then(-float("inf")).otherwise("floor").alias("floor")
    return found.select("begun", lowest, pl.exclude("begun", "band", "floor")).sort("floor")


def _bands(ratios: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, begun, band]: as many bands of equal numbers of series as have MIN_PER_BAND each; one for all where
    many series share a level and some band is left with too few.
    """
    series, kind = ratios.group_by("unique_id", "begun").agg(pl.col("multiple").first()), "begun"
    bands = (pl.len() // MIN_PER_BAND).clip(1, MAX_BANDS).over(kind)
    band = (pl.col("multiple").rank("min").over(kind).cast(pl.Int64) - 1) * bands // pl.len().over(kind)
    banded = series.with_columns(band=band)
    smallest = pl.len().over(kind, "band").min().over(kind)
    return banded.select("unique_id", kind, band=pl.when(smallest >= MIN_PER_BAND).then("band").otherwise(0))


def _quantiles(levels: Sequence[int]) -> list[pl.Expr]:
    """Median and bounds of `ratio`: as if there were one series more whose errors lie beyond all others."""
    series, found = pl.col("unique_id").n_unique(), [pl.col("ratio").median().alias("q50")]
    for level in levels:
        share = (0.5 + level / 200) * (series + 1) / series
        place = pl.min_horizontal((share * pl.len()).round(9).ceil().cast(pl.Int64), pl.len().cast(pl.Int64)) - 1
        for side, sign in (("lo", -1), ("hi", 1)):
            value = sign * (sign * pl.col("ratio")).sort().get(place)
            found.append(pl.when(share <= 1).then(value).alias(f"{side}-{level}"))
    return found


def _ratios(cut: Cut, levels: tuple[Level, ...]) -> pl.DataFrame:
    """[unique_id, multiple, begun, ratio]: sales of series with a history in each period of the last horizon, as
    multiples of their forecast had they been new (`begun` false) or had they just begun to sell (true).
    """
    frequency = cut.config.frequency
    past = replace(cut, panel=cut.panel.part_of or cut.panel, cutoff=frequency.shift(cut.cutoff, -cut.h), edits=())
    observed = cut.shared("series observed a horizon ago", partial(series_level.observed_series, past))
    hidden = _hidden(observed, levels)
    rows = cut.shared(
        "sales of the last horizon", partial(_sales_since, past, _sample(observed).drop(series_level.SUMS))
    )
    series_levels = hidden.select("unique_id", multiple="_multiple")
    group_levels = series_level.group_multiples(past, observed)
    new = seasonal_profile.profile_forecasts(past, rows, series_levels, group_levels).with_columns(sold="y")
    ago = frequency.steps(pl.col("ds"), pl.lit(past.cutoff))
    started = new.filter(ago <= AGE % frequency.windows[0]).filter((ago >= 0).any().over("unique_id"))
    begun = started.with_columns(y=pl.when(ago >= 0).then("y")).with_columns(
        pl.col("yhat") * seasonal_profile.level_correction()
    )
    kinds = [part.with_columns(begun=pl.lit(value=i > 0)) for i, part in enumerate((new, begun))]
    later = pl.concat(kinds).filter(ago < 0, pl.col("yhat") > 0)
    ratio = pl.col("sold") / pl.col("yhat") * pl.when("begun").then(1.0).otherwise(_launch_error(cut))
    return later.select("unique_id", "multiple", "begun", ratio=ratio)


def _launch_error(cut: Cut) -> pl.Expr:
    """Sales of a launch as a multiple of the launch curve: that of one of the observed launches, drawn per series."""
    if launch_curves.launch_curves_at(cut).is_empty():
        return pl.lit(1.0)
    errors = launch_curves.early_sales_ratios(cut)
    return pl.lit(errors).gather(LAUNCH % errors.len())


def _sample(observed: pl.DataFrame) -> pl.DataFrame:
    return observed.filter(SAMPLE % max(1, -(-observed.height // MAX_SERIES)) == 0)


def _hidden(observed: pl.DataFrame, levels: tuple[Level, ...]) -> pl.DataFrame:
    """Sampled series without sales, with `_multiple` predicted from groups of these levels without their fold."""
    nothing = [pl.lit(0).cast(observed.schema[c]).alias(c) for c in series_level.SUMS]
    blank, parts = _sample(observed).with_columns(nothing), []
    for fold in range(FOLDS):
        others, mine = observed.filter(fold != FOLD), blank.filter(fold == FOLD)
        rows = mine.filter(series_level.has_enough_peers(others, mine, levels))
        parts.append(rows.with_columns(_multiple=series_level.predict_multiples(others, rows, levels)))
    return pl.concat(parts).drop_nulls("_multiple")


def _sales_since(past: Cut, series: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, y, static columns ...] of these series, from shortly before the cutoff to the end."""
    first = past.config.frequency.shift(past.cutoff, -past.config.frequency.windows[0])
    seen = pl.col("ds").is_between(first, past.end, closed="right")
    scans = [past.panel.scan(b).filter(seen).select(*KEY, stable_y()).drop_nulls("y") for b in past.panel.buckets]
    return pl.concat(collect_each([rows.join(series.lazy(), on="unique_id") for rows in scans]))
