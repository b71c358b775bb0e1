"""Adaptive levels: where past intervals covered more or less than they promised, the next ones promise less or more.

`adapt_alphas` takes rows of `backtests` of finished windows with the bounds that they were given, and interval levels
in percent, and returns [model, grain, alpha-L ...]: the share that the next bounds should leave outside. It changes no
bounds.

After Gibbs & Candes (2021, adaptive conformal inference): with each window the share alpha that is left outside moves
by `STEP` times (alpha - share that fell outside).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.evaluation.intervals.labels import ALL_HORIZONS, HORIZON_BLOCK
from forecasting.evaluation.intervals.residuals import GROUP, Y, observed_rows

STEP = 0.3
"""This much of the gap between promise and coverage of a window is made good in the next one."""
FURTHEST = 0.5
"""Alpha stays within this share of its nominal value: between 70 and 90 % for an interval of 80 %."""
FEWEST = 100
"""A window with fewer rows does not count: what they cover is mostly chance."""


def adapt_alphas(past: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """[model, grain, alpha-L ...]: the share that the next bounds should leave outside, one row per model and grain.

    `past` are rows of finished windows, with y, `interval` and the bounds that they were given; bounds that do not rest
    on backtests (`model`, `cold start`) do not count. A level that had no bounds yet keeps its nominal alpha.
    """
    bounded = [n for n in levels if {f"lo-{n}", f"hi-{n}", "interval"} <= set(past.columns)]
    from_errors = pl.col("interval").is_in([HORIZON_BLOCK, ALL_HORIZONS])
    judged = observed_rows(past).filter(from_errors) if bounded else past.clear()
    outside = {alpha_column(n): (~Y.is_between(pl.col(f"lo-{n}"), pl.col(f"hi-{n}"))).mean() for n in bounded}
    windows = judged.group_by(*GROUP, "cutoff").agg(**outside, rows=pl.len()).filter(pl.col("rows") >= FEWEST)
    alphas = [adapted_alpha(n) if n in bounded else pl.lit(nominal_alpha(n)).alias(alpha_column(n)) for n in levels]
    return windows.sort(*GROUP, "cutoff").group_by(GROUP, maintain_order=True).agg(alphas)


def adapted_alpha(level: int) -> pl.Expr:
    """Alpha after all windows, whose shares outside are in the column `alpha_column(level)`, within its limits.

    >>> windows = pl.DataFrame({"alpha-80": [0.3, 0.3]})
    >>> windows.select(adapted_alpha(80).round(3)).item()
    0.14
    """
    nominal = nominal_alpha(level)
    gap = STEP * (nominal - pl.col(alpha_column(level))).sum()
    return (nominal + gap.clip(-FURTHEST * nominal, FURTHEST * nominal)).alias(alpha_column(level))


def alpha_column(level: int) -> str:
    """The column that holds a level's alpha: "alpha-80"."""
    return f"alpha-{level}"


def nominal_alpha(level: int) -> float:
    """The share that an interval of `level` % leaves outside.

    >>> nominal_alpha(80)
    0.2
    """
    return (100 - level) / 100
