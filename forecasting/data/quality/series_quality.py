"""How good the sales of each series are, and what follows from it for the models."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import ALIVE_YEARS
from forecasting.data.schemas import QUALITY_COUNTS

SERIES = "unique_id"
Y = pl.col("y")
TWICE = 2.0
"""A level jumps when it doubles or halves and stays there for another block of periods."""
SURE = 3.0
"""... and when so many standard deviations of a Poisson variable lie between."""
EPOCH = date(1970, 1, 1)


def count_defects(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[unique_id, *COUNTS] of a panel sorted by unique_id and ds: days without a row, longest run of zeros, lasting
    changes of level, outliers, numbers below 0 and fractions as they came.

    Only rows up to the last observed day count, so that later gaps of other series change nothing.
    """
    seen = pl.col("ds").filter(Y.is_not_null())
    inner = rows.filter(pl.col("ds").is_between(seen.min().over(SERIES), seen.max().over(SERIES)))
    flag, came = pl.col("flag"), pl.col("y_raw")
    told = inner.group_by(SERIES).agg(
        gaps=(flag == "filled").sum(),
        outliers=(flag == "outlier").sum(),
        negatives=(came < 0).sum(),
        fractions=(came != came.round()).sum(),
    )
    told = told.join(_longest_zeros(inner), on=SERIES, how="left").join(_jumps(inner, config), on=SERIES, how="left")
    every = rows.select(SERIES).unique().join(told, on=SERIES, how="left")
    return every.select(SERIES, *(pl.col(c).fill_null(0).cast(pl.Int64) for c in QUALITY_COUNTS))


def _longest_zeros(rows: pl.DataFrame) -> pl.DataFrame:
    zeros = rows.with_columns(_run=(Y > 0).fill_null(value=False).cum_sum().over(SERIES)).filter(Y == 0)
    return zeros.group_by(SERIES, "_run").len("longest_zeros").group_by(SERIES).agg(pl.col("longest_zeros").max())


def _jumps(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Blocks of periods are compared with the last but one before them: a jump may lie amid the one in between."""
    f = config.frequency
    block = f.steps(pl.lit(EPOCH), pl.col("ds")) // f.windows[1]
    level = rows.group_by(SERIES, block.alias("_block")).agg(_mean=Y.mean(), _half=Y.median(), _n=Y.count())
    mean, half, n = pl.col("_mean"), pl.col("_half"), pl.col("_n")
    before, half_before, n_before, after = (
        c.over(SERIES, order_by="_block") for c in (mean.shift(2), half.shift(2), n.shift(2), mean.shift(-1))
    )
    up = (mean > TWICE * before) & (after > TWICE * before) & ((half > TWICE * half_before) | (half == 0))
    down = (TWICE * mean < before) & (TWICE * after < before) & ((TWICE * half < half_before) | (half_before == 0))
    sure = (mean - before).abs() > SURE * (mean / n + before / n_before).sqrt()
    level = level.sort(SERIES, "_block").with_columns(_off=((up | down) & sure).fill_null(value=False))
    first = pl.col("_off") & ~pl.col("_off").shift(1, fill_value=False).over(SERIES)
    return level.with_columns(_first=first).group_by(SERIES).agg(jumps=pl.col("_first").sum())


def add_verdicts(series: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
    """The table `series` with periods (first to last observed day), life and verdict on the panel's day `last`.

    life: announced (planned, never sold), ended (not a sale observed in the years after which nothing is forecast),
    silent (none in the last quarter), new (known for less than a year), or running. `verdict` says in words what the
    models make of it.
    """
    f = config.frequency
    periods = f.steps(pl.col("first"), pl.col("last")) + 1
    age = f.steps(pl.col("last"), pl.lit(last))
    life = (
        pl.when(pl.col("last").is_null() & (pl.col("start") > last)).then(pl.lit("announced"))
        .when(pl.col("last").is_null() | (age >= ALIVE_YEARS * f.year)).then(pl.lit("ended"))
        .when(age >= f.level_window).then(pl.lit("silent"))
        .when(f.steps(pl.col("first"), pl.lit(last)) < f.year).then(pl.lit("new"))
        .otherwise(pl.lit("running"))
    )  # fmt: skip
    told = series.with_columns(periods=periods.fill_null(0).cast(pl.Int64), life=life)
    return told.with_columns(verdict=_verdict(config))


def _verdict(config: Config) -> pl.Expr:
    """The first that holds."""
    kind, n = pl.col("demand_class"), pl.col("n")
    said = (
        (pl.col("life") == "announced", "announced: like series tell"),
        (pl.col("life") == "ended", "ended: not forecast"),
        (kind == "none", "nothing ever sold: forecast 0"),
        (n < 2 * config.season, "too short for a season: the ladder and its groups tell"),
        (pl.col("life") == "silent", "silent for a quarter: the level is old"),
        (2 * pl.col("gaps") > pl.col("periods"), "more gaps than days: the ladder looks further back"),
        (kind.is_in(["intermittent", "lumpy"]), "sells rarely: medians are often 0, judge the sums"),
        (pl.col("jumps") > 0, "the level has jumped: long averages mislead"),
        (pl.col("life") == "new", "new: no last year to look at"),
    )
    return pl.coalesce(*(pl.when(holds).then(pl.lit(words)) for holds, words in said), pl.lit("fine"))
