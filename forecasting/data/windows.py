"""The cutoffs of a backtest."""

from __future__ import annotations

from datetime import date

from forecasting.config import Config


def backtest_cutoffs(config: Config, last: date) -> tuple[list[date], list[date]]:
    """The reported cutoffs of a backtest that ends on `last`, and the older ones that only feed the intervals.

    Reported: h before `last` and back by `step`. The bounds of a window rest on at most `calibration` windows that were
    wholly over by its cutoff, so the oldest reported one may need so many before it.
    """
    at = [config.frequency.shift(last, -config.h - config.step * i) for i in range(config.backtest.windows)]
    overlap = -(-config.h // config.step) - 1
    extra = config.backtest.calibration + overlap if config.backtest.calibration else 0
    older = [config.frequency.shift(at[-1], -config.step * (i + 1)) for i in range(extra)]
    return sorted(at), sorted(older)
