"""How far new series are from what is said of them: series that are known, told as though they were new.

One horizon ago the size of each fifth of the series is told by the other four, and what it sold since is taken in
multiples of what was said (cross-conformal prediction, Vovk 2015). Errors of one series are alike, as its size is what
is in doubt, so series are counted and not days (see Dunn, Wasserman & Ramdas, "Distribution-free prediction sets for
two-layer hierarchical models", 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import polars as pl

from forecasting.data import launch_curves, schemas
from forecasting.data.cleaning import stable_y
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.features.groups import Level
from forecasting.models.cold_start import seasonal_profile, series_level

FOLDS = 5
MOST = 5000
"""So many series tell for all."""
BANDS, ENOUGH = 5, 100
"""At most so many bands of size, each with errors of its own and so many series."""
FOLD = pl.col("unique_id").hash(seed=0) % FOLDS
TAKEN, SEEN, LAUNCHED = (pl.col("unique_id").hash(seed=seed) for seed in (1, 2, 3))
"""Chances that have nothing to do with each other."""


def bounds(cut: Cut, levels: Sequence[Level], sized: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, multiple, q50, lo-L, hi-L ...] of new series `sized` (see size.asked, with _multiple) by their groups
    of these levels: in multiples of what is said of them, the median of what they sell and its bounds.

    Null where so few series are known that a bound would have to lie beyond all errors.
    """
    table = cut.kept(("errors of new series", tuple(levels)), partial(_table, cut, tuple(levels)))
    asked = sized.select("unique_id", multiple="_multiple", begun=pl.col("_n") > 0).sort("multiple")
    near = asked.join_asof(table, left_on="multiple", right_on="floor", by="begun", check_sortedness=False)
    return near.select("unique_id", "multiple", "q50", *schemas.interval_columns(cut.config.level))


def _table(cut: Cut, levels: tuple[Level, ...]) -> pl.DataFrame:
    """[begun, floor, q50, lo-L, hi-L ...]: quantiles by whether a series has begun, for sizes from `floor` up."""
    ratios = _ratios(cut, levels)
    banded = ratios.join(_bands(ratios), on=["unique_id", "begun"])
    found = banded.group_by("begun", "band").agg(pl.col("multiple").min().alias("floor"), *_quantiles(cut.config.level))
    lowest = pl.when(pl.col("band") == 0).then(-float("inf")).otherwise("floor").alias("floor")
    return found.select("begun", lowest, pl.exclude("begun", "band", "floor")).sort("floor")


def _bands(ratios: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, begun, band]: as many bands of equal numbers of series as have enough each; where many series are
    told the same size and a band is left with too few, one for all.
    """
    series, kind = ratios.group_by("unique_id", "begun").agg(pl.col("multiple").first()), "begun"
    many = (pl.len() // ENOUGH).clip(1, BANDS).over(kind)
    place = (pl.col("multiple").rank("min").over(kind).cast(pl.Int64) - 1) * many // pl.len().over(kind)
    placed = series.with_columns(band=place)
    least = pl.len().over(kind, "band").min().over(kind)
    return placed.select("unique_id", kind, band=pl.when(least >= ENOUGH).then("band").otherwise(0))


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
    """[unique_id, multiple, begun, ratio]: what known series sold each period of the last horizon in multiples of what
    would have been said of them, had they been new, or had they just begun.
    """
    frequency = cut.config.frequency
    past = replace(cut, panel=cut.panel.whole or cut.panel, cutoff=frequency.shift(cut.cutoff, -cut.h), edits=())
    around = cut.kept("known series a horizon ago", partial(series_level.known, past))
    hidden = _hidden(around, levels)
    rows = cut.kept("what they sold since", partial(_sold, past, _taken(around).drop(series_level.OWN)))
    sizes = hidden.select("unique_id", multiple="_multiple")
    told = seasonal_profile.told(past, rows, sizes, series_level.of_groups(past, around)).with_columns(sold="y")
    ago = frequency.steps(pl.col("ds"), pl.lit(past.cutoff))
    begun = told.filter(ago <= SEEN % frequency.windows[0]).filter((ago >= 0).any().over("unique_id"))
    measured = begun.with_columns(y=pl.when(ago >= 0).then("y")).with_columns(
        pl.col("yhat") * seasonal_profile.measure()
    )
    kinds = [part.with_columns(begun=pl.lit(value=i > 0)) for i, part in enumerate((told, measured))]
    later = pl.concat(kinds).filter(ago < 0, pl.col("yhat") > 0)
    ratio = pl.col("sold") / pl.col("yhat") * pl.when("begun").then(1.0).otherwise(_launch(cut))
    return later.select("unique_id", "multiple", "begun", ratio=ratio)


def _launch(cut: Cut) -> pl.Expr:
    """How far a series begins from the curve of launches: one of those that are known, for each series."""
    if cut.launches.is_empty():
        return pl.lit(1.0)
    known = launch_curves.early_sales_ratios(cut)
    return pl.lit(known).gather(LAUNCHED % known.len())


def _taken(around: pl.DataFrame) -> pl.DataFrame:
    return around.filter(TAKEN % max(1, -(-around.height // MOST)) == 0)


def _hidden(around: pl.DataFrame, levels: tuple[Level, ...]) -> pl.DataFrame:
    """Known series as though they were not, with `_multiple`, told by groups of these levels without their fifth."""
    nothing = [pl.lit(0).cast(around.schema[c]).alias(c) for c in series_level.OWN]
    blank, parts = _taken(around).with_columns(nothing), []
    for fold in range(FOLDS):
        others, mine = around.filter(fold != FOLD), blank.filter(fold == FOLD)
        rows = mine.filter(series_level.enough(others, mine, levels))
        parts.append(rows.with_columns(_multiple=series_level.multiples(others, rows, levels)))
    return pl.concat(parts).drop_nulls("_multiple")


def _sold(past: Cut, series: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, y, static columns ...] of these series, from shortly before the cutoff to the end."""
    first = past.config.frequency.shift(past.cutoff, -past.config.frequency.windows[0])
    seen = pl.col("ds").is_between(first, past.end, closed="right")
    scans = [past.panel.scan(b).filter(seen).select(*KEY, stable_y()).drop_nulls("y") for b in past.panel.buckets]
    return pl.concat(pl.collect_all([rows.join(series.lazy(), on="unique_id") for rows in scans]))
