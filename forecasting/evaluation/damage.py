"""Whether past forecasts turned out worse than a backtest made one expect: `judge` compares the two, lag by lag.

It takes rows of past forecasts whose sales have come and the backtest rows of the same model (both [unique_id, cutoff,
ds, step, block, y, yhat, q50, bounds]), and returns one row per segment: its errors, what was to be expected of these
lags, and the worst that stretches of the backtest of the same length have shown. What common shocks of a few days do
is then no alarm, because the windows of a backtest have had such days, too. `tracking_signals` takes such rows and
columns to group by. Nothing is read or written.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.evaluation.metrics import pool_metrics, ratio
from forecasting.evaluation.metrics.expressions import ABSOLUTE_ERROR, ERROR, Y, coverage

FEWEST_ROWS = 30
"""With fewer rows one large error decides."""
LEAST_DAYS = 7
"""A verdict looks at a week at least, so that no weekday is it."""
CONFIDENCE = 0.99
"""Of a stretch of usual days so many in a hundred stay below the limit."""
CERTAIN = 2.0
"""An error of so many times what was expected is damage, however few stretches there were to learn from."""
SEGMENT = "segment"
BASE = pl.Schema({SEGMENT: pl.String, "block": pl.Int32, "expected_share": pl.Float64})


def newest_rows(rows: pl.DataFrame, days_of_period: int) -> pl.DataFrame:
    """The rows of the newest periods: as few as make LEAST_DAYS days and FEWEST_ROWS rows, or all there are.

    >>> rows = pl.DataFrame({"ds": range(1, 41)})
    >>> newest_rows(rows, 1)["ds"].min(), newest_rows(pl.concat([rows] * 9), 1)["ds"].min()
    (11, 34)
    """
    days = rows.group_by("ds").len().sort("ds", descending=True)
    enough = pl.col("len").cum_sum() >= FEWEST_ROWS
    long = pl.int_range(1, pl.len() + 1) >= -(-LEAST_DAYS // days_of_period)
    found = days.filter(enough & long)["ds"].max()
    return rows if found is None else rows.filter(pl.col("ds") >= found)


def judge(rows: pl.DataFrame, backtests: pl.DataFrame, level: int) -> pl.DataFrame:
    """One row per segment [segment, n, wape, expected, excess, worst, limit, bias, worst_bias, signal, misses,
    worst_misses].

    `segment` is a column of both frames. wape and bias are those of the rows, `expected` the WAPE that the backtest had
    at the same lags, and excess is wape / expected; `misses` is the share of y outside the interval of `level` percent.
    `signal` is the tracking signal: the sum of the errors of each day over their mean size. worst, worst_bias and
    worst_misses are the largest excess, |bias| and misses of any stretch of a window of the backtest as long as the
    rows; `limit` is the excess that chance explains (see `limits_of`). A segment that was not backtested has none.
    """
    base = _expected_errors(backtests)
    length = int(rows["ds"].n_unique())
    stretches = _with_expected(backtests, base).with_columns(stretch=(pl.col("step") - 1) // length)
    found = _measures(_with_expected(rows, base), [SEGMENT], level)
    chance = found.join(_spread_of_errors(backtests), on=SEGMENT).select(
        SEGMENT, least=pl.col("spread") / pl.col("n").sqrt()
    )
    worst = limits_of(_measures(stretches, [SEGMENT, "cutoff", "stretch"], level), chance)
    signals = tracking_signals(rows, [SEGMENT]).rename({"tracking_signal": "signal"})
    return found.join(worst, on=SEGMENT).join(signals, on=SEGMENT, how="left").sort(SEGMENT)


def limits_of(stretches: pl.DataFrame, chance: pl.DataFrame) -> pl.DataFrame:
    """[segment, worst, limit, worst_bias, worst_misses] of stretches of a backtest [segment, excess, bias, misses].

    `limit` is the end of the interval in which the logarithm of the excess of one more stretch lies with CONFIDENCE
    (Student's t, so that few stretches make it wide), CERTAIN at most, and never below the worst. Stretches that happen
    to be alike do not make it narrow: `chance` [segment, least] is how much so few rows differ if only by themselves.

    >>> stretches = pl.DataFrame({"segment": "all", "excess": [0.5, 2.0], "bias": 0.1, "misses": 0.2})
    >>> found = limits_of(stretches, pl.DataFrame({"segment": "all", "least": 0.1}))
    >>> found.select("worst", "limit").row(0)  # two are too few, and the worst is CERTAIN already
    (2.0, 2.0)
    """
    from scipy.stats import t

    log = pl.col("excess").filter(pl.col("excess") > 0).log()
    found = stretches.group_by(SEGMENT, maintain_order=True).agg(
        worst=pl.col("excess").max(),
        _mean=log.mean(),
        _deviation=log.std(),
        _count=log.count().cast(pl.Float64),
        worst_bias=pl.col("bias").abs().max(),
        worst_misses=pl.col("misses").max(),
    )
    found = found.join(chance, on=SEGMENT)
    quantiles = pl.Series(t.ppf(CONFIDENCE, found["_count"].to_numpy().clip(2) - 1))
    deviation = pl.when(pl.col("_count") > 1).then(pl.max_horizontal("_deviation", "least"))
    above = quantiles * deviation * (1 + 1 / pl.col("_count")).sqrt()
    by_chance = (pl.col("_mean") + above).exp().fill_nan(None).fill_null(CERTAIN).clip(upper_bound=CERTAIN)
    return found.select(SEGMENT, "worst", "worst_bias", "worst_misses", limit=pl.max_horizontal("worst", by_chance))


def _spread_of_errors(backtests: pl.DataFrame) -> pl.DataFrame:
    """[segment, spread]: the deviation of the absolute errors, in multiples of their mean."""
    size = ABSOLUTE_ERROR
    return pool_metrics(backtests, [SEGMENT], {"spread": ratio(size.std(), size.mean())})


def _expected_errors(backtests: pl.DataFrame) -> pl.DataFrame:
    """[segment, block, expected_share]: the share of y that the forecasts missed it by, block by block."""
    share = ratio(ABSOLUTE_ERROR.sum(), Y.abs().sum())
    return pool_metrics(backtests, [SEGMENT, "block"], {"expected_share": share}).cast(BASE).sort("block")


def _with_expected(rows: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """The rows with the absolute error to be expected of each, in units of y, by the block that its step lies in."""
    steps = rows.drop("block", strict=False).with_columns(pl.col("step").cast(pl.Int32)).sort("step")
    blocks = base.rename({"block": "step"}).sort("step")
    found = steps.join_asof(blocks, on="step", by=SEGMENT, strategy="forward", check_sortedness=False)
    return found.with_columns(_expected=pl.col("expected_share") * Y.abs())


def _measures(rows: pl.DataFrame, by: Sequence[str], level: int) -> pl.DataFrame:
    """Errors and expected errors of each group."""
    known = pl.col("_expected").is_not_null()
    wape = ratio(ABSOLUTE_ERROR.filter(known).sum(), Y.filter(known).abs().sum())
    expected = ratio(pl.col("_expected").sum(), Y.filter(known).abs().sum())
    grouped = rows.group_by(by, maintain_order=True)
    bounds = {f"lo-{level}", f"hi-{level}"} <= set(rows.columns)
    misses = 1 - coverage(level) if bounds else pl.lit(None, pl.Float64)
    found = grouped.agg(n=pl.len(), wape=wape, expected=expected, bias=ratio(ERROR.sum(), Y.abs().sum()), misses=misses)
    return found.with_columns(excess=ratio(pl.col("wape"), pl.col("expected")))


def tracking_signals(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """[*by, tracking_signal]: the sum of the days' errors over their mean size; of several forecasts of a day the mean.

    >>> rows = pl.DataFrame({"segment": "all", "cutoff": 0, "ds": [1, 2, 3], "y": [1.0, 1.0, 1.0], "yhat": [2.0, 3, 1]})
    >>> tracking_signals(rows, ["segment"]).row(0)
    ('all', 3.0)
    """
    names = list(dict.fromkeys([*by, "ds", "cutoff"]))
    of_forecast = rows.group_by(names, maintain_order=True).agg(_error=ERROR.sum())
    days = of_forecast.group_by(*by, "ds", maintain_order=True).agg(pl.col("_error").mean())
    signal = ratio(pl.col("_error").sum(), pl.col("_error").abs().mean())
    return days.sort("ds").group_by(by, maintain_order=True).agg(tracking_signal=signal)
