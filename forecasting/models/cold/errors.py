"""How far new series are from what is said of them: series that are known, told as though they were new.

One horizon ago each fifth of the series is told by the other four, and what it sold since is taken in multiples of what
was said (cross-conformal prediction, Vovk 2015). Errors of one series are alike, as its size is what is in doubt, so
series are counted and not days (see Dunn, Wasserman & Ramdas, "Distribution-free prediction sets for two-layer
hierarchical models", 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.data import launches
from forecasting.data.panel import KEY, Cut
from forecasting.features.groups import Level
from forecasting.models.cold import days, size

FOLDS = 5
MOST = 5000
"""So many series tell for all."""
BANDS, ENOUGH = 5, 100
"""At most so many bands of size, each with errors of its own and so many series."""
FOLD = pl.col("unique_id").hash(seed=0) % FOLDS
CHANCE = pl.col("unique_id").hash(seed=1)


def columns(config: Config) -> list[str]:
    """The columns of `bounds`: multiples of what is said."""
    return ["q50", *(f"{side}-{level}" for level in config.level for side in ("lo", "hi"))]


def bounds(cut: Cut, levels: Sequence[Level], sized: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, multiple, q50, lo-L, hi-L ...] of new series `sized` (n: 1 for those that have begun) by their groups
    of these levels: in multiples of what is said of them, the median of what they sell and its bounds.

    Null where so few series are known that a bound would have to lie beyond all errors.
    """
    table = cut.once(("errors of new series", tuple(levels)), partial(_table, cut, levels))
    asked = sized.select("unique_id", "multiple", begun=pl.col("n") > 0)
    near = asked.sort("multiple").join_asof(
        table.sort("floor"), left_on="multiple", right_on="floor", by="begun", check_sortedness=False
    )
    return near.select("unique_id", "multiple", *columns(cut.config))


def _table(cut: Cut, levels: Sequence[Level]) -> pl.DataFrame:
    """[begun, floor, q50, lo-L, hi-L ...]: quantiles by whether a series has begun, for sizes from `floor` up."""
    ratios = _ratios(cut, tuple(levels))
    series = pl.col("unique_id").n_unique()
    bands = (series // ENOUGH).clip(1, BANDS).over("begun")
    place = (pl.col("multiple").rank("dense").over("begun") - 1) * bands // pl.col("multiple").n_unique().over("begun")
    cells = ratios.with_columns(band=place).group_by("begun", "band")
    found = cells.agg(pl.col("multiple").min().alias("floor"), *_quantiles(cut.config.level, series))
    lowest = pl.when(pl.col("band") == 0).then(-float("inf")).otherwise("floor").alias("floor")
    return found.select("begun", lowest, *columns(cut.config))


def _quantiles(levels: Sequence[int], series: pl.Expr) -> list[pl.Expr]:
    """Median and bounds of `ratio`, so many of `series` counted as one more whose errors lie beyond all others."""
    found = [pl.col("ratio").median().alias("q50")]
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
    past = replace(cut, panel=cut.panel.whole or cut.panel, cutoff=frequency.shift(cut.cutoff, -cut.config.h), edits=())
    around = cut.once("known series a horizon ago", partial(size.known, past))
    hidden = _hidden(past, around, levels)
    rows = _sold(past, hidden.drop("multiple", *size.OWN))
    told = days.told(past, rows, hidden.select("unique_id", "multiple"), size.of_groups(past, around))
    ago = frequency.steps(pl.col("ds"), pl.lit(past.cutoff))
    begun = told.filter(ago <= CHANCE % frequency.windows[0])  # from one period on
    measured = begun.with_columns(y=pl.when(ago >= 0).then("y"), sold="y")
    parts = [told.with_columns(sold="y"), measured.with_columns(yhat=pl.col("yhat") * days.measure())]
    kinds = [part.with_columns(begun=pl.lit(value=bool(i))) for i, part in enumerate(parts)]
    later = pl.concat(kinds, how="diagonal").filter(ago < 0, pl.col("yhat") > 0)
    ratio = pl.col("sold") / pl.col("yhat") * pl.when("begun").then(1.0).otherwise(_launch(cut))
    return later.select("unique_id", "multiple", "begun", ratio=ratio)


def _launch(cut: Cut) -> pl.Expr:
    """How far a series begins from the curve of launches, one of those that are known for each series."""
    if cut.launches.is_empty():
        return pl.lit(1.0)
    known = launches.against_curve(cut)
    return pl.lit(known).gather(CHANCE % known.len())


def _hidden(past: Cut, around: pl.DataFrame, levels: tuple[Level, ...]) -> pl.DataFrame:
    """Known series as though they were not, with `multiple`, told by groups of these levels without their own fifth."""
    every = max(1, -(-around.height // MOST))
    nothing = [pl.lit(0).cast(around.schema[c]).alias(c) for c in size.OWN]
    parts = [around.clear().with_columns(multiple=pl.lit(None, pl.Float64))]
    for fold in range(FOLDS):
        others, mine = around.filter(fold != FOLD), around.filter(fold == FOLD, CHANCE % every == 0)
        for told, rows in size.by_levels(past, others, mine.with_columns(nothing)):
            if set(levels) <= set(told):
                parts.append(rows.with_columns(multiple=size.multiples(others, rows, levels)))
    return pl.concat(parts).drop_nulls("multiple")


def _sold(past: Cut, series: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, y, static columns ...] of these series, from shortly before the cutoff to the end."""
    first = past.config.frequency.shift(past.cutoff, -past.config.frequency.windows[0])
    seen = pl.col("ds").is_between(first, past.end, closed="right") & pl.col("y").is_not_null()
    scans = [past.panel.scan(b).filter(seen).select(*KEY, "y") for b in past.panel.buckets]
    return pl.concat(pl.collect_all([rows.join(series.lazy(), on="unique_id") for rows in scans]))
