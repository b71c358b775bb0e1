"""Quality of each series: counts of defects in its data, its stage of life, and a verdict for its forecasts.

`count_defects` takes rows of the panel and returns [unique_id, gaps, longest_zeros, jumps, outliers, far_out,
negatives, fractions]; `add_verdicts` takes the table `series` with these counts and adds periods, life and verdict (a
sentence).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.columns import QUALITY_COUNTS
from forecasting.config import Config
from forecasting.data.cleaning.far_out import largest_values
from forecasting.data.closures.ended import have_ended
from forecasting.data.future_rows import ALIVE_YEARS
from forecasting.sorted_rows import lag

ID = "unique_id"
Y = pl.col("y")
JUMP = 2.0
"""A level jumps when it changes by this factor, up or down, and stays there for another block of periods,"""
SIGNIFICANT = 3.0
"""and when the change exceeds this many standard deviations of a Poisson variable."""
EPOCH = date(1970, 1, 1)


def count_defects(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[unique_id, *QUALITY_COUNTS], one row per series of a panel sorted by unique_id and ds: periods without a row,
    the longest run of zeros, lasting changes of level, outliers, values far from all others (whatever clean.outliers
    makes of them), and numbers below 0 and fractions as they came.

    Only rows from the first to the last observed day of a series count, so later gaps of other series change nothing.
    """
    observed = pl.col("ds").filter(Y.is_not_null())
    inner = rows.filter(pl.col("ds").is_between(observed.min().over(ID), observed.max().over(ID)))
    flag, y_raw = pl.col("flag"), pl.col("y_raw")
    counts = inner.group_by(ID).agg(
        gaps=(flag == "filled").sum(),
        outliers=(flag == "outlier").sum(),
        negatives=(y_raw < 0).sum(),
        fractions=(y_raw != y_raw.round()).sum(),
    )
    counts = counts.join(_longest_zeros(inner), on=ID, how="left").join(_jumps(inner, config), on=ID, how="left")
    far_out = largest_values(rows).select(ID, "far_out")
    every = rows.select(ID).unique().join(counts, on=ID, how="left").join(far_out, on=ID, how="left")
    return every.select(ID, *(pl.col(c).fill_null(0).cast(pl.Int64) for c in QUALITY_COUNTS))


def _longest_zeros(rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, longest_zeros] of the series that have zeros."""
    ends = (Y != 0).fill_null(value=False) | (pl.col(ID) != pl.col(ID).shift())
    zeros = rows.select(ID, _run=ends.cum_sum(), _zero=Y == 0).filter("_zero")
    runs = zeros["_run"].rle().struct.field("len")
    begin = runs.cum_sum() - runs
    found = pl.DataFrame({ID: zeros[ID].gather(begin), "longest_zeros": runs})
    return found.group_by(ID).agg(pl.col("longest_zeros").max())


def _jumps(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[unique_id, jumps] of the series whose level may have jumped. A block of periods is compared with the last but
    one: a jump may lie within the last one.
    """
    f = config.frequency
    block = f.steps(pl.lit(EPOCH), pl.col("ds")) // f.windows[1]
    rows = rows.select(ID, "y", _block=pl.struct(ID, block.alias("block")).rle_id().set_sorted())
    blocks = rows.group_by("_block").agg(pl.col(ID).first(), _mean=Y.mean(), _n=Y.count()).sort("_block")
    blocks = blocks.with_columns(_means_have_moved())
    moved = pl.col(ID).is_in(blocks.filter(pl.col("_up") | pl.col("_down"))[ID].unique().implode())
    # medians take longest, and few series need them
    medians = rows.filter(moved).group_by("_block").agg(_half=Y.median())
    level = blocks.filter(moved).join(medians, on="_block", how="left", maintain_order="left")
    half, before = pl.col("_half"), lag(pl.col("_half"), 2)
    up = pl.col("_up") & ((half > JUMP * before) | (half == 0))
    down = pl.col("_down") & ((JUMP * half < before) | (before == 0))
    level = level.with_columns(_jumped=(up | down).fill_null(value=False))
    first = pl.col("_jumped") & ~lag(pl.col("_jumped"), 1).fill_null(value=False)
    return level.with_columns(_first=first).group_by(ID).agg(jumps=pl.col("_first").sum())


def _means_have_moved() -> list[pl.Expr]:
    """`_up` and `_down`: whether the mean of a block is JUMP times that of the last but one or the reverse, the next
    block stays there, and the difference is more than chance.
    """
    mean, n = pl.col("_mean"), pl.col("_n")
    before, n_before, after = lag(mean, 2), lag(n, 2), lag(mean, -1)
    significant = (mean - before).abs() > SIGNIFICANT * (mean / n + before / n_before).sqrt()
    up = (mean > JUMP * before) & (after > JUMP * before) & significant
    down = (JUMP * mean < before) & (JUMP * after < before) & significant
    return [up.fill_null(value=False).alias("_up"), down.fill_null(value=False).alias("_down")]


def add_verdicts(series: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
    """The table `series` with periods (from first to last observed day), life and verdict on the panel's day `last`.

    life is announced (planned, never sold), ended (by clean.ended, or not sold for years), silent (no sale observed in
    the last 91 days, 26 weeks or 12 months, by frequency), new (observed for less than a year) or running. `verdict` is
    a sentence on what this means for the forecasts.
    """
    f = config.frequency
    periods = f.steps(pl.col("first"), pl.col("last")) + 1
    age = f.steps(pl.col("last"), pl.lit(last))
    newest = series.group_by(ds="last_row").agg(n=pl.len()).drop_nulls()
    ended = have_ended(series.drop_nulls("last_row"), lambda: newest, config, last)[ID]
    life = (
        pl.when(pl.col("last").is_null() & (pl.col("start") > last)).then(pl.lit("announced"))
        .when(pl.col("last").is_null() | (age >= ALIVE_YEARS * f.year)).then(pl.lit("ended"))
        .when(pl.col(ID).is_in(ended.implode())).then(pl.lit("ended"))
        .when(age >= f.level_window).then(pl.lit("silent"))
        .when(f.steps(pl.col("first"), pl.lit(last)) < f.year).then(pl.lit("new"))
        .otherwise(pl.lit("running"))
    )  # fmt: skip
    with_life = series.with_columns(periods=periods.fill_null(0).cast(pl.Int64), life=life)
    return with_life.with_columns(verdict=_verdict(config))


def _verdict(config: Config) -> pl.Expr:
    """The sentence of the first condition that holds."""
    kind, n, f = pl.col("demand_class"), pl.col("n"), config.frequency
    sentences = (
        (pl.col("life") == "announced", "announced: forecast from similar series"),
        (pl.col("life") == "ended", "ended: forecast as 0, and no longer after years"),
        (kind == "none", "nothing ever sold: forecast 0"),
        (n < 2 * config.season, "too short for a season: forecast by fallback models and from its groups"),
        (pl.col("life") == "silent", f"silent for {f.level_window} {f.unit}s: the level is old"),
        (2 * pl.col("gaps") > pl.col("periods"), f"more gaps than {f.unit}s: fallback models look further back"),
        (kind.is_in(["intermittent", "lumpy"]), "sells rarely: medians are often 0, judge the sums"),
        (pl.col("jumps") > 0, "the level has jumped: long averages mislead"),
        (pl.col("life") == "new", "new: no last year to look at"),
    )
    return pl.coalesce(*(pl.when(condition).then(pl.lit(words)) for condition, words in sentences), pl.lit("fine"))
