"""Medians: how much of the skew of past errors moves q50 away from yhat, as far as this has paid on other windows.

`fit_median_shifts` takes scaled residuals with bands of volume and returns [model, grain, block, band, shift], in units
of the scale: q50 is yhat + shift * scale.

The median of skewed errors lies beside their mean, and an absolute error is lowest at the median. But the skew of few
errors is mostly chance, and a bias that persists can be larger than it and of the other sign. So a correction is tried
on windows that it was not learned from, one left out at a time (Stone, 1974, cross-validation), and of one window on
the other half of its series, and it is taken as far as it lowers their absolute error, both as it was and with the
windows' common errors turned round: what paid thanks to a shock is not to be relied on.
"""

from __future__ import annotations

import polars as pl

from forecasting.evaluation.intervals.error_scale import HALF
from forecasting.evaluation.intervals.residuals import CELL, GROUP, SCALE, R

BAND = (*CELL, "band")

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the skew that are tried; of equally good ones the smallest is taken."""
CASES = ("r", "turned")
"""Errors as they were, and as they would have been with the common error of their window turned round."""


def fit_median_shifts(rows: pl.DataFrame, shocks: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, block, band, shift] in units of the scale: one row per cell and band.

    `rows` are scaled residuals with `band` and `least`, `shocks` the table of `fit_shocks`. The shift is 0 where a
    correction did not lower the absolute error of windows (of one window: of halves of the series) that it was not
    learned from.

    >>> cell = {"model": "A", "grain": "series", "block": 1, "band": 0, "least": -9.0, "unique_id": "a", "scale": 1.0}
    >>> windows = pl.DataFrame({"cutoff": [1] * 3 + [2] * 3, "r": [-1.0, -1.0, 2.0] * 2} | cell)
    >>> shocks = windows.select("model", "grain", "block", "cutoff", shock=pl.lit(0.0)).unique()
    >>> fit_median_shifts(windows, shocks)["shift"].to_list()
    [-1.0]
    """
    windows = pl.col("cutoff").n_unique().over(GROUP)
    fold = pl.when(windows > 1).then(pl.col("cutoff").rank("dense").over(GROUP)).otherwise(HALF.cast(pl.UInt32))
    known = rows.join(shocks, on=[*CELL, "cutoff"], maintain_order="left").with_columns(fold=fold)
    turned = pl.when(pl.col("least") >= R).then(R).otherwise(pl.max_horizontal(R - 2 * pl.col("shock"), "least"))
    parts = known.select(*BAND, "fold", "scale", "r", turned=turned)
    held = pl.concat([_held_out(parts.clear(), 0), *(_held_out(parts, at) for at in parts["fold"].unique().sort())])
    losses = held.group_by(BAND, maintain_order=True).agg(pl.exclude(BAND).sum())
    shares = losses.select(*BAND, share=pl.min_horizontal(_best_share(case) for case in CASES))
    cells = parts.group_by(*BAND, maintain_order=True).agg(_skew()).join(shares, on=BAND, how="left")
    return cells.select(*BAND, shift=(pl.col("skew") * pl.col("share")).fill_null(0.0))


def _skew() -> pl.Expr:
    """Median less mean: what is common to all errors is not part of it."""
    return (R.median() - R.mean()).alias("skew")


def _held_out(parts: pl.DataFrame, fold: int) -> pl.DataFrame:
    """[*BAND, loss of every case and share]: absolute errors, in units of y, of the fold after a share of the skew of
    the others.
    """
    others = parts.filter(pl.col("fold") != fold).group_by(*BAND).agg(_skew())
    held = parts.filter(pl.col("fold") == fold).join(others, on=BAND, maintain_order="left")
    errors = {_loss(case, share): pl.col(case) - share * pl.col("skew") for case in CASES for share in SHARES}
    losses = {name: (SCALE * error.abs()).sum() for name, error in errors.items()}
    return held.group_by(BAND, maintain_order=True).agg(**losses)


def _best_share(case: str) -> pl.Expr:
    """The smallest of `SHARES` with the least loss."""
    losses = [_loss(case, share) for share in SHARES]
    least = pl.min_horizontal(losses)
    return pl.coalesce(pl.when(pl.col(n) <= least).then(s) for n, s in zip(losses, SHARES, strict=True))


def _loss(case: str, share: float) -> str:
    return f"{case} {share}"
