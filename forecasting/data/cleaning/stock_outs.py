"""Runs of zeros that are improbable for a series: it was out of stock, or nobody told of its sales."""

from __future__ import annotations

import polars as pl

from forecasting.config import Config

Y = pl.col("y")
SERIES, PHASE, RUN = "_series", "_phase", "_run"
"""Numbers of the series, of the phases of the season in each, and of the runs (a sale and what follows it)."""
IMPROBABLE = 1e-5
"""A run of zeros is a stock-out when chance makes one so rarely."""
LEAST_SPREAD, MOST_SPREAD = 0.05, 5.0
MEDIAN_OF_SQUARE = 0.455
"""Median of a squared standard normal variable: what makes a variance of a median that no outlier moves."""
EXPECTED = 0.5
"""A zero that is likelier than this stays one, also amid a stock-out: the day of rest of a store."""
RESTING, SINGLES = 0.2, 0.01
"""Shares from which zeros are told by what is usual: on this weekday, and standing alone. Below, they may be the very
stock-outs that are looked for."""


def infer_stock_outs(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows in which y of improbable zeros is null and flagged inferred_out_of_stock.

    A run is judged by the sales before it: the probability of a zero on each of its days under a negative binomial of
    the recent mean (times the weekday's factor) and spread, but no less than the share of single zeros among the days
    of the series. Longer runs than a third of a quarter are no stock-outs: the series paused or ended.
    """
    known = _levels(rows, config)
    zeros = _zeros(known)
    runs = zeros.group_by(RUN).agg(pl.col("_log").sum().alias("_all"), _long=pl.col("_at").max() - pl.col("_at").min())
    longest = config.frequency.level_window // 3
    improbable = runs.filter(pl.col("_all") <= pl.lit(IMPROBABLE).log(), pl.col("_long") < longest)
    odd = zeros.filter(pl.col("_log") <= pl.lit(EXPECTED).log()).join(improbable, on=RUN, how="semi")
    out = pl.col("_at").is_in(odd["_at"].implode())
    return known.with_columns(
        y=pl.when(out).then(None).otherwise(Y),
        flag=pl.when(out).then(pl.lit("inferred_out_of_stock")).otherwise("flag"),
    ).select(rows.columns)


def _levels(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds the numbers, _zero, and _usual: the recent mean of the last sale's day, and in _mean of the day itself."""
    f = config.frequency
    sold = (Y > 0).fill_null(value=False)
    rows = rows.with_columns(pl.col("unique_id").rle_id().alias(SERIES), _zero=(Y == 0).fill_null(value=False))
    begins = pl.col(SERIES) != pl.col(SERIES).shift(1)
    phase = pl.int_range(pl.len()).over(SERIES) % f.season if f.season < f.year else 0
    rows = rows.with_columns(
        (pl.col(SERIES) * f.season + phase).alias(PHASE),
        (sold | begins.fill_null(value=True)).cum_sum().alias(RUN),
        _at=pl.int_range(pl.len()),
    )
    # one sale out of all bounds must not make the zeros around it look improbable
    usual = Y.rolling_mean(f.level_window, min_samples=3).over(SERIES)
    rows = rows.with_columns(_capped=pl.min_horizontal(Y, 3 * usual + 3))
    recent = pl.col("_capped").rolling_mean(4 * f.season if f.season < f.year else f.windows[1], min_samples=3)
    rows = rows.with_columns(_recent=recent.over(SERIES))
    overall = Y.mean().over(SERIES)
    factor = pl.when(overall > 0).then(Y.mean().over(PHASE) / overall).otherwise(1.0)
    before = pl.when(sold).then("_recent").forward_fill().over(SERIES)
    return rows.with_columns(_mean=pl.col("_recent") * factor, _usual=before * factor)


def _zeros(known: pl.DataFrame) -> pl.DataFrame:
    """The zeros with _log: the logarithm of the probability of each; null where nothing was sold before."""
    zeros = known.filter("_zero").join(_resting(known), on=PHASE, how="left")
    zeros = zeros.join(_spreads(known), on=SERIES, how="left").join(_singles(zeros, known), on=SERIES, how="left")
    chance = (1 + pl.col("_spread") * pl.col("_usual")) ** (-1 / pl.col("_spread"))
    least = pl.max_horizontal("_resting", "_singles", 1e-12)
    return zeros.with_columns(_log=pl.when(chance.is_not_null()).then(pl.max_horizontal(chance, least).log()))


def _spreads(known: pl.DataFrame) -> pl.DataFrame:
    """_spread of each series: the variance of its sales beyond Poisson, over the squared mean."""
    mean = pl.col("_mean")
    sales = known.filter(Y > 0, mean > 0).group_by(SERIES)
    far = ((Y / mean - 1) ** 2).median() / MEDIAN_OF_SQUARE - (1 / mean).median()
    return sales.agg(_spread=far.clip(LEAST_SPREAD, MOST_SPREAD))


def _resting(known: pl.DataFrame) -> pl.DataFrame:
    """_resting of each phase of a series: its share of zeros where they are usual, else 0."""
    share = pl.col("_zero").sum() / Y.count()
    return known.group_by(PHASE).agg(_resting=pl.when(share > RESTING).then(share).otherwise(0.0))


def _singles(zeros: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """_singles of each series: the share of its days that are zeros on their own, where they are usual, else 0."""
    alone = zeros.filter(pl.len().over(RUN) == 1, pl.col("_resting") == 0).group_by(SERIES).len("_alone")
    days = known.group_by(SERIES).agg(_days=Y.count()).join(alone, on=SERIES, how="left")
    share = pl.col("_alone").fill_null(0) / pl.col("_days")
    return days.select(SERIES, _singles=pl.when(share > SINGLES).then(share).otherwise(0.0))
