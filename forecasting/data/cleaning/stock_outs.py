"""Inferred stock-outs: runs of zeros that are improbable for a series, which was out of stock or not reported.

`infer_stock_outs` takes rows of the panel and returns them with y null and the flag inferred_out_of_stock on such days;
it reads sales only, no stock column.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config

Y = pl.col("y")
SERIES, PHASE, RUN = "_series", "_phase", "_run"
"""Numbers of the series, of the phases of the season in each, and of the runs (a sale and the rows up to the next)."""
IMPROBABLE = 1e-5
"""The probability below which a run of zeros is a stock-out."""
LEAST_SPREAD, MOST_SPREAD = 0.05, 5.0
MEDIAN_OF_SQUARE = 0.455
"""Median of a squared standard normal variable: turns a median of squares, which is robust, into a variance."""
EXPECTED = 0.5
"""A zero more probable than this stays observed, also within a stock-out: the day of rest of a store."""
RESTING, SINGLES = 0.2, 0.01
"""Shares from which zeros count as usual for a series: on a weekday, and as single zeros between sales. Below, they may
be the very stock-outs that are looked for."""


def infer_stock_outs(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows of the panel in which y of improbable zeros is null and flagged inferred_out_of_stock.

    A run is judged by the sales before it: the probability of a zero on each of its days under a negative binomial of
    the recent mean (times the weekday's factor) and spread, but no less than the share of single zeros among the days
    of the series. Runs of more than 30 days (8 weeks, 4 months) are no stock-outs: the series paused or ended.
    """
    levels = _add_levels(rows, config)
    zeros = _zero_probabilities(levels)
    length = pl.col("_row").max() - pl.col("_row").min()
    runs = zeros.group_by(RUN).agg(pl.col("_log_p").sum().alias("_run_log_p"), _length=length)
    longest = config.frequency.level_window // 3
    improbable = runs.filter(pl.col("_run_log_p") <= pl.lit(IMPROBABLE).log(), pl.col("_length") < longest)
    stock_outs = zeros.filter(pl.col("_log_p") <= pl.lit(EXPECTED).log()).join(improbable, on=RUN, how="semi")
    out = pl.col("_row").is_in(stock_outs["_row"].implode())
    return levels.with_columns(
        y=pl.when(out).then(None).otherwise(Y),
        flag=pl.when(out).then(pl.lit("inferred_out_of_stock")).otherwise("flag"),
    ).select(rows.columns)


def _add_levels(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds numbers, _zero (is it one), _mean (recent mean up to the row), _usual (the same as of the last sale)."""
    f = config.frequency
    sold = (Y > 0).fill_null(value=False)
    rows = rows.with_columns(pl.col("unique_id").rle_id().alias(SERIES), _zero=(Y == 0).fill_null(value=False))
    begins = pl.col(SERIES) != pl.col(SERIES).shift(1)
    phase = pl.int_range(pl.len()).over(SERIES) % f.season if f.season < f.year else 0
    rows = rows.with_columns(
        (pl.col(SERIES) * f.season + phase).alias(PHASE),
        (sold | begins.fill_null(value=True)).cum_sum().alias(RUN),
        _row=pl.int_range(pl.len()),
    )
    # a single extreme sale must not make the zeros around it look improbable
    usual = Y.rolling_mean(f.level_window, min_samples=3).over(SERIES)
    rows = rows.with_columns(_capped=pl.min_horizontal(Y, 3 * usual + 3))
    recent = pl.col("_capped").rolling_mean(4 * f.season if f.season < f.year else f.windows[1], min_samples=3)
    rows = rows.with_columns(_recent=recent.over(SERIES))
    overall = Y.mean().over(SERIES)
    factor = pl.when(overall > 0).then(Y.mean().over(PHASE) / overall).otherwise(1.0)
    before = pl.when(sold).then("_recent").forward_fill().over(SERIES)
    return rows.with_columns(_mean=pl.col("_recent") * factor, _usual=before * factor)


def _zero_probabilities(levels: pl.DataFrame) -> pl.DataFrame:
    """The rows of zeros with _log_p, the logarithm of the probability of each; null where nothing was sold before."""
    zeros = levels.filter("_zero").join(_resting_shares(levels), on=PHASE, how="left")
    zeros = zeros.join(_spreads(levels), on=SERIES, how="left")
    zeros = zeros.join(_single_zero_shares(zeros, levels), on=SERIES, how="left")
    chance = (1 + pl.col("_spread") * pl.col("_usual")) ** (-1 / pl.col("_spread"))
    least = pl.max_horizontal("_resting", "_singles", 1e-12)
    return zeros.with_columns(_log_p=pl.when(chance.is_not_null()).then(pl.max_horizontal(chance, least).log()))


def _spreads(levels: pl.DataFrame) -> pl.DataFrame:
    """[SERIES, _spread] of each series: the variance of its sales beyond that of a Poisson, over the squared mean."""
    mean = pl.col("_mean")
    sales = levels.filter(Y > 0, mean > 0).group_by(SERIES)
    spread = ((Y / mean - 1) ** 2).median() / MEDIAN_OF_SQUARE - (1 / mean).median()
    return sales.agg(_spread=spread.clip(LEAST_SPREAD, MOST_SPREAD))


def _resting_shares(levels: pl.DataFrame) -> pl.DataFrame:
    """[PHASE, _resting] of each phase of a series: its share of zeros where they are usual, else 0."""
    share = pl.col("_zero").sum() / Y.count()
    return levels.group_by(PHASE).agg(_resting=pl.when(share > RESTING).then(share).otherwise(0.0))


def _single_zero_shares(zeros: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """[SERIES, _singles] of each series: its share of single zeros between sales where they are usual, else 0."""
    alone = zeros.filter(pl.len().over(RUN) == 1, pl.col("_resting") == 0).group_by(SERIES).len("_alone")
    days = levels.group_by(SERIES).agg(_days=Y.count()).join(alone, on=SERIES, how="left")
    share = pl.col("_alone").fill_null(0) / pl.col("_days")
    return days.select(SERIES, _singles=pl.when(share > SINGLES).then(share).otherwise(0.0))
