"""Backtest windows: `backtest_windows` returns the reported and the older cutoffs that a Panel's history allows.

Both are lists of dates; scores are reported on the former, the latter only teach bounds and weights.
"""

from __future__ import annotations

from datetime import date
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.windows import FEWEST, backtest_cutoffs, least_history


def backtest_windows(config: Config, panel: Panel, end: date) -> tuple[list[date], list[date]]:
    """Reported and older cutoffs that the history allows; raises UserError when it is too short for a reported one.

    What all series share differs from window to window, so that many errors of one window do not stand for another.
    Older ones go back to half of the history of the first reported one: with less, a model is another model.
    """
    first = cast(date, panel.oldest)
    least = config.frequency.shift(first, max(FEWEST, config.h) - 1)
    reported, older = backtest_cutoffs(config, end)
    if reported[0] < least:
        unit = config.frequency.unit
        raise config.fault(
            "h",
            f"{config.h} {unit}s ahead in {config.backtest.windows} backtest windows need history back to before "
            f"{reported[0]}, but the data start on {first}: lower h, backtest.windows or backtest.step",
        )
    history = pl.select(config.frequency.steps(pl.lit(first), pl.lit(reported[0])) + 1).item()
    enough = config.frequency.shift(first, least_history(config.h, history) - 1)
    return reported, [c for c in older if c >= enough]
