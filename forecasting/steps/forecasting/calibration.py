"""Calibrated bounds of forecast rows, by the quantiles of earlier backtest errors."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import interval_columns
from forecasting.evaluation import intervals


def calibrate(rows: pl.DataFrame, quantiles: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows with q50, the bounds of every level and the rung that they rest on; a model's own bounds are replaced.

    `quantiles` is a table of `quantiles_at`; levels that it does not hold fall back to the model's own bounds.
    """
    asked = interval_columns(config.level)
    kept = rows.select(c for c in rows.columns if not c.startswith(("lo-", "hi-")) or c in asked)
    missing = [c for c in asked if c not in quantiles.columns]  # levels that were added since the training
    complete = quantiles.with_columns(pl.lit(None, pl.Float64).alias(c) for c in missing)
    return intervals.add_bounds(kept, complete, config.level, config.clean.y_min)


def quantiles_at(residuals: pl.DataFrame, cutoff: date, config: Config) -> pl.DataFrame:
    """The quantile table for a cutoff, from as few of the newest windows that were over by it as hold enough errors.

    What the bounds of some windows hold in the others decides how much the next ones leave outside. A look back finds
    the same windows, and so the bounds of that night.
    """
    floor, windows = config.clean.y_min, config.backtest.calibration
    judged = intervals.newest_windows(residuals, cutoff, windows)
    usable = intervals.calibration_rows(judged, cutoff, windows)
    bare = judged.select(c for c in judged.columns if not c.startswith(("lo-", "hi-")) and c not in ("q50", "interval"))
    held_out = [judged.clear()]
    for (at,), window in bare.group_by("cutoff", maintain_order=True):
        others = bare.filter(pl.col("cutoff") != at)
        if others.height:
            table = intervals.fit_quantiles(others, config.level, floor)
            held_out.append(intervals.add_bounds(window, table, config.level, floor))
    adapted = intervals.adapt_alphas(pl.concat(held_out, how="diagonal"), config.level)
    return intervals.fit_quantiles(usable, config.level, floor, adapted)
