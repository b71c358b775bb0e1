"""Calibrated bounds of forecast rows: quantiles of earlier backtest errors, and the rows with them."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import interval_columns
from forecasting.evaluation import intervals


def calibrated(rows: pl.DataFrame, quantiles: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows with q50, the bounds of every level and the rung that they stand on; own bounds are replaced."""
    named = rows.select(
        c for c in rows.columns if not c.startswith(("lo-", "hi-")) or c in interval_columns(config.level)
    )
    unknown = [
        c for c in interval_columns(config.level) if c not in quantiles.columns
    ]  # levels asked for since the training
    known = quantiles.with_columns(pl.lit(None, pl.Float64).alias(c) for c in unknown)
    return intervals.add_bounds(named, known, config.level, config.clean.y_min)


def quantiles_at(residuals: pl.DataFrame, cutoff: date, config: Config) -> pl.DataFrame:
    """The quantile table for a cutoff, from as few of the newest windows that were wholly over as hold enough errors.

    What the bounds of some windows hold in the others decides how much the next ones leave outside: whoever asks for a
    cutoff finds the same windows, so a look back says what was said that night.
    """
    floor, windows = config.clean.y_min, config.backtest.calibration
    judged = intervals.newest_windows(residuals, cutoff, windows)
    usable = intervals.calibration_rows(judged, cutoff, windows)
    bare = judged.select(c for c in judged.columns if not c.startswith(("lo-", "hi-")) and c not in ("q50", "interval"))
    held = [judged.clear()]
    for (at,), window in bare.group_by("cutoff", maintain_order=True):
        others = bare.filter(pl.col("cutoff") != at)
        if others.height:
            held.append(
                intervals.add_bounds(window, intervals.fit_quantiles(others, config.level, floor), config.level, floor)
            )
    adapted = intervals.adapt_alphas(pl.concat(held, how="diagonal"), config.level)
    return intervals.fit_quantiles(usable, config.level, floor, adapted)
