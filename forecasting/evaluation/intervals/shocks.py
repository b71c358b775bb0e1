"""Shocks: what all series of a window err together, as a random effect of the window, and bounds for a new window.

`fit_shocks` takes scaled residuals and returns [model, grain, block, cutoff, shock, spread, freedom], one row per
window; `add_shocks` takes the residuals and this table and returns the residuals with the shocks of windows to come in
place of those that were; `widening` takes numbers of degrees of freedom and a probability and returns factors.

A window is a cluster: 10,000 errors of one window know one shock (weather, a season that starts early, a year that goes
well). The spread of the shocks is estimated by moments, as the variance between studies of a meta-analysis (DerSimonian
& Laird, 1986): the mean square of the windows' mean residuals less what chance alone would make of them, chance being
taken over the series. The mean of the shocks counts as 0: a bias that persists is seen as spread, which is safe. As few
windows know the spread badly, bounds are those of a t distribution (Higgins, Thompson & Spiegelhalter, 2009) with the
degrees of freedom of a sum of variances of which only one is uncertain (Satterthwaite, 1946).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from statistics import NormalDist

import polars as pl

from forecasting.evaluation.intervals.residuals import CELL, GROUP, R

NODES = (-1.3634, -0.3777, 0.3777, 1.3634)
"""Standardised shocks, equally probable, of mean 0 and variance 1: the 1/8, 3/8, 5/8 and 7/8 points of the normal
distribution over their standard deviation."""
BORROWED = 1.0
"""A block's spread is that of its windows and, with the weight of this many windows, that of all blocks."""
FEWEST_FREEDOM, MOST_FREEDOM = 2.0, 1e6
"""Bounds of degrees of freedom: below two the t distribution has bounds that no sale ever reaches, above a million it
cannot be told from a normal one."""
TRIMMED = 0.01
"""Of the residuals of a window this share at each end is drawn in before their mean is taken (a Winsorised mean): one
slip of the keyboard is no shock."""


def fit_shocks(rows: pl.DataFrame, cell: Sequence[str] = CELL) -> pl.DataFrame:
    """[*cell, cutoff, shock, spread, freedom] in units of the scale: one row per cell and window.

    `rows` are scaled residuals. `shock` is the mean residual of the window, `spread` the standard deviation of shocks
    in the cell, `freedom` the degrees of freedom with which the width of bounds in the cell is known.
    """
    keys = [*cell, "cutoff"]
    rows = rows.with_columns(r=R.clip(R.quantile(TRIMMED).over(keys), R.quantile(1 - TRIMMED).over(keys)))
    series = rows.group_by(*keys, "unique_id", maintain_order=True).agg(total=R.sum(), n=pl.len())
    shock, rest = pl.col("total").sum() / pl.col("n").sum(), pl.col("total") - pl.col("n") * pl.col("shock")
    windows = series.with_columns(shock=shock.over(keys)).group_by(keys, maintain_order=True)
    m = pl.len()
    chance = (rest**2).sum() / pl.col("n").sum() ** 2 * m / (m - 1).clip(1)
    known = windows.agg(pl.col("shock").first(), chance=chance)
    apart = (R - pl.col("shock")).abs().mean() ** 2 * (pi / 2)
    noise = rows.join(known, on=keys, maintain_order="left").group_by(cell, maintain_order=True).agg(noise=apart)
    return _with_spread(known.join(noise, on=cell, maintain_order="left"), cell)


def _with_spread(windows: pl.DataFrame, cell: Sequence[str]) -> pl.DataFrame:
    """The windows with `spread` and `freedom` of their cell; `chance` and `noise` are variances."""
    between = pl.col("shock") ** 2 - pl.col("chance")
    pooled = (between.mean().over(GROUP) / pl.col("noise").mean().over(GROUP) * pl.col("noise")).fill_nan(0.0)
    n = pl.len().over(cell)
    variance = ((between.sum().over(cell) + BORROWED * pooled) / (n + BORROWED)).clip(0)
    share = (variance / (variance + pl.col("noise"))).fill_nan(0.0)
    freedom = (n / share**2).clip(FEWEST_FREEDOM, MOST_FREEDOM)
    return windows.select(*cell, "cutoff", "shock", spread=variance.sqrt(), freedom=freedom).sort(*cell, "cutoff")


def add_shocks(rows: pl.DataFrame, shocks: pl.DataFrame) -> pl.DataFrame:
    """The rows once for each of `NODES`, with this shock in place of that of their window, and `freedom`.

    A residual stays at or above `least`, where sales would fall below their floor, and residuals that are there stay: a
    shock moves what is sold, and the many zeros of a rare seller are no sales.
    """
    known = rows.join(shocks, on=[*CELL, "cutoff"], maintain_order="left")
    moved = [pl.max_horizontal(R - pl.col("shock") + node * pl.col("spread"), "least") for node in NODES]
    kept = [pl.when(pl.col("least") >= R).then(R).otherwise(r).alias("r") for r in moved]
    return pl.concat([known.with_columns(r) for r in kept])


def widening(freedom: pl.Series, probability: float) -> pl.Series:
    """The quantile of the t distribution with these degrees of freedom over that of the normal distribution.

    >>> widening(pl.Series([1.0, 1e6]), 0.975).round(2).to_list()
    [6.48, 1.0]
    """
    from scipy.stats import t

    return pl.Series(t.ppf(probability, freedom.to_numpy()) / NormalDist().inv_cdf(probability), dtype=pl.Float64)
