"""Data that tuning may use: `tuning_cutoffs` returns dates before the reported windows, `tuning_panel` a smaller Panel.

That Panel holds the history up to a day of a sample of complete series, in memory and in one bucket.
"""

from __future__ import annotations

from datetime import date

from forecasting.config import Config
from forecasting.data.panel import Panel, sample_panel

MAX_ROWS = 100_000
"""Rows of the panel of a search, all series together: complete series, sampled across all sizes."""
CACHE_BYTES = 1_000_000_000
"""Bytes of features that the cuts together keep from trial to trial."""


def tuning_cutoffs(config: Config, reported: date, first: date, number: int) -> list[date]:
    """Up to `number` cutoffs, newest first, whose horizons end by `reported`, the first reported cutoff.

    `first` is the oldest cutoff with enough history. Raises UserError when there is no such cutoff.
    """
    candidates = [config.frequency.shift(reported, -config.h - config.step * i) for i in range(number)]
    cutoffs = [day for day in candidates if day >= first]
    if not cutoffs:
        raise config.fault(
            "backtest.windows",
            f"tuning uses windows before the reported ones, of which the first begins after {reported}, and there "
            f"is no history for a window before it (needed: {config.h} periods more): lower h or backtest.windows",
        )
    return cutoffs


def tuning_panel(panel: Panel, last: date) -> Panel:
    """The panel up to `last`, in memory and one bucket, with at most about MAX_ROWS rows of complete series.

    Series are sampled at equal distances from the smallest to the largest by their sum of y.
    """
    return sample_panel(panel, last, lambda series: MAX_ROWS / max(1, int(series["n"].sum())))
