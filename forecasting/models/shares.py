"""Shares of members in an ensemble: `member_shares` takes it and their forecasts and returns a number for each.

The forecast is the sum of the members' forecasts times their shares, whatever the form of the combination: of a median
the middle members count, of a trimmed mean all but the lowest and the highest.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.panel import KEY
from forecasting.models.ensemble import FittedEnsemble
from forecasting.models.weights import MEDIAN, TRIM_FROM, TRIMMED


def member_shares(fitted: FittedEnsemble, forecasts: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, model, share]: of every member's row in `forecasts` [unique_id, ds, step, model, yhat]."""
    rows = fitted.weights.of_rows(forecasts).sort(*KEY, "model")
    share = {MEDIAN: _of_median, TRIMMED: _of_trimmed}.get(fitted.weights.form, _of_mean)()
    return rows.select(*KEY, "model", share=share)


def _of_mean() -> pl.Expr:
    return pl.col("weight") / pl.col("weight").sum().over(KEY)


def _kept() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Whether a member has weight, its rank by forecast among those that have (from 1), and how many they are."""
    kept = pl.col("weight") > 0
    rank = pl.when(kept).then("yhat").rank("ordinal").over(KEY)
    return kept, rank, kept.sum().over(KEY)


def _of_median() -> pl.Expr:
    kept, rank, count = _kept()
    middle = ((2 * rank.cast(pl.Int64) - 1 - count.cast(pl.Int64)).abs() <= 1) & kept
    odd = count.cast(pl.Int64) % 2 == 1
    exactly = (2 * rank.cast(pl.Int64) - 1 == count.cast(pl.Int64)) & kept
    return pl.when(odd).then(exactly.cast(pl.Float64)).otherwise(middle.cast(pl.Float64) / 2)


def _of_trimmed() -> pl.Expr:
    kept, rank, count = _kept()
    inner = kept & (rank > 1) & (rank < count)
    trimmed = inner.cast(pl.Float64) / (count - 2)
    return pl.when(count >= TRIM_FROM).then(trimmed).otherwise(kept.cast(pl.Float64) / count)
