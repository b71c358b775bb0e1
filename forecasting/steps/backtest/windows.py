"""Backtest windows: `backtest_windows` returns the reported and the older cutoffs that a Panel's history allows.

Both are lists of dates; scores are reported on the former, the latter only teach bounds and weights.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.windows import backtest_cutoffs

FEWEST = 4
"""Periods of history that the oldest cutoff must leave."""


def backtest_windows(config: Config, panel: Panel, end: date) -> tuple[list[date], list[date]]:
    """Reported and older cutoffs that the history allows; raises UserError when it is too short for a reported one.

    What all series share differs from window to window, so that many errors of one window do not stand for another.
    """
    starts = pl.collect_all([panel.scan(b).select(pl.col("ds").min()) for b in panel.buckets])
    first = min(s.item() for s in starts if s.item() is not None)
    least = config.frequency.shift(first, max(FEWEST, config.h) - 1)
    reported, older = backtest_cutoffs(config, end)
    if reported[0] < least:
        unit = config.frequency.unit
        raise config.fault(
            "h",
            f"{config.h} {unit}s ahead in {config.backtest.windows} backtest windows need history back to before "
            f"{reported[0]}, but the data start on {first}: lower h, backtest.windows or backtest.step",
        )
    return reported, [c for c in older if c >= least]
