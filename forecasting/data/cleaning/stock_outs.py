"""Runs of zeros that are improbable for a series: it was out of stock, or nobody told of its sales."""

from __future__ import annotations

import polars as pl

from forecasting.config import Config

Y = pl.col("y")
SERIES = "unique_id"
RUN = [SERIES, "_run"]
IMPROBABLE = 1e-5
"""A run of zeros is a stock-out when chance makes one so rarely."""
LEAST_SPREAD = 0.05
MEDIAN_OF_SQUARE = 0.455
"""Median of a squared standard normal variable: what makes a variance of a median that no outlier moves."""


def infer(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows in which y of improbable zeros is null and flagged inferred_out_of_stock.

    A run is judged by the sales before it: the probability of a zero on each of its days under a negative binomial of
    the recent mean (times the weekday's factor) and spread, but no less than the share of single zeros among the days
    of the series. Longer runs than a third of a quarter are no stock-outs: the series paused or ended.
    """
    runs = _spread(_levels(rows, config), config)
    mean, spread = pl.col("_mean") * pl.col("_factor"), pl.col("_spread")
    chance = (1 + spread * mean) ** (-1 / spread)
    chance = pl.when(chance.is_not_null()).then(pl.max_horizontal(chance, "_singles").clip(1e-12, 1.0))
    zero = pl.col("_zero")
    log = pl.when(zero).then(chance.log().fill_null(0.0)).otherwise(0.0)
    runs = runs.with_columns(_log=log.sum().over(RUN), _long=_span().over(RUN))
    out = zero & (pl.col("_log") <= pl.lit(IMPROBABLE).log()) & (pl.col("_long") <= config.frequency.level_window // 3)
    return runs.with_columns(
        y=pl.when(out).then(None).otherwise(Y),
        flag=pl.when(out).then(pl.lit("inferred_out_of_stock")).otherwise("flag"),
    ).select(rows.columns)


def _span() -> pl.Expr:
    """Periods from the first to the last zero of a run."""
    at = pl.int_range(pl.len())
    return (at.filter("_zero").max() - at.filter("_zero").min() + 1).fill_null(0)


def _levels(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds _zero, _run (a sale and what follows up to the next one), _mean (before the run), _factor (of the phase)."""
    f = config.frequency
    phase = pl.int_range(pl.len()).over(SERIES) % f.season if f.season < f.year else pl.lit(0)
    sold = Y > 0
    rows = rows.with_columns(
        _zero=(Y == 0).fill_null(value=False),
        _run=sold.fill_null(value=False).cum_sum().over(SERIES),
        _phase=phase,
    )
    # one sale out of all bounds must not make the zeros around it look improbable
    usual = Y.rolling_mean(f.level_window, min_samples=3).over(SERIES)
    rows = rows.with_columns(_capped=pl.min_horizontal(Y, 3 * usual + 3))
    recent = pl.col("_capped").rolling_mean(4 * f.season if f.season < f.year else f.windows[1], min_samples=3)
    rows = rows.with_columns(_recent=recent.over(SERIES))
    overall = Y.mean().over(SERIES)
    factor = pl.when(overall > 0).then(Y.mean().over(SERIES, "_phase") / overall).otherwise(1.0)
    return rows.with_columns(_mean=pl.col("_recent").first().over(RUN), _factor=factor)


def _spread(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds _spread (variance beyond Poisson over the squared mean, of the sales) and _singles (share of zeros that
    stand alone).
    """
    usual = pl.when(pl.col("_factor") > 0).then(pl.col("_recent") * pl.col("_factor"))
    far = pl.when(Y > 0).then((Y / usual - 1) ** 2).median() / MEDIAN_OF_SQUARE - (1 / usual).median()
    alone = pl.col("_zero") & (pl.col("_zero").sum().over(RUN) == 1)
    return rows.with_columns(
        _spread=far.over(SERIES).fill_null(1.0).clip(LEAST_SPREAD, 5.0),
        _singles=(alone.sum() / Y.count()).over(SERIES),
    )
