"""Adaptive levels: where past intervals held more or less than they promised, the next ones promise less or more.

After Gibbs & Candes (2021, adaptive conformal inference): with each window the share alpha that is left outside moves
by `STEP` times (alpha - share that fell outside).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.evaluation.intervals.labels import ALL_HORIZONS, HORIZON_BLOCK
from forecasting.evaluation.intervals.residuals import GROUP, Y, observed_rows

STEP = 0.3
"""So much of the gap between promise and coverage of a window is made good in the next one."""
FURTHEST = 0.5
"""Alpha stays within this share of its nominal value: between 70 and 90 % for an interval of 80 %."""
FEWEST = 100
"""A window with fewer rows tells nothing: what they cover is mostly chance."""


def adapt_alphas(past: pl.DataFrame, levels: Sequence[int]) -> pl.DataFrame:
    """[model, grain, alpha-L ...]: the share to be left outside by the next bounds, per model and grain.

    `past` are rows of windows that were over, with y, `interval` and the bounds that they were given; bounds that do
    not rest on backtests (`model`, `cold start`) do not count. A level that had no bounds yet keeps its nominal alpha.
    """
    there = [n for n in levels if {f"lo-{n}", f"hi-{n}", "interval"} <= set(past.columns)]
    judged = (
        observed_rows(past).filter(pl.col("interval").is_in([HORIZON_BLOCK, ALL_HORIZONS])) if there else past.clear()
    )
    outside = {alpha_column(n): (~Y.is_between(pl.col(f"lo-{n}"), pl.col(f"hi-{n}"))).mean() for n in there}
    windows = judged.group_by(*GROUP, "cutoff").agg(**outside, rows=pl.len()).filter(pl.col("rows") >= FEWEST)
    known = [adapted_alpha(n) if n in there else pl.lit(nominal_alpha(n)).alias(alpha_column(n)) for n in levels]
    return windows.sort(*GROUP, "cutoff").group_by(GROUP, maintain_order=True).agg(known)


def adapted_alpha(level: int) -> pl.Expr:
    """Alpha after all windows, within its limits."""
    fair = nominal_alpha(level)
    gap = STEP * (fair - pl.col(alpha_column(level))).sum()
    return (fair + gap.clip(-FURTHEST * fair, FURTHEST * fair)).alias(alpha_column(level))


def alpha_column(level: int) -> str:
    """The column that holds a level's alpha."""
    return f"alpha-{level}"


def nominal_alpha(level: int) -> float:
    """The share that an interval of `level` % leaves outside."""
    return (100 - level) / 100
