"""Backtest windows: the cutoffs at which past forecasts are made."""

from __future__ import annotations

from datetime import date

from forecasting.config import Config


def backtest_cutoffs(config: Config, last: date) -> tuple[list[date], list[date]]:
    """The reported cutoffs of a backtest of data up to `last`, and the older ones that only calibrate intervals.

    The newest reported cutoff lies h periods before `last`, the others `step` periods apart before it. The intervals of
    a window are calibrated on at most `calibration` windows that had ended by its cutoff, so the oldest reported window
    needs that many before it. Both lists are in ascending order.
    """
    reported = [config.frequency.shift(last, -config.h - config.step * i) for i in range(config.backtest.windows)]
    overlap = -(-config.h // config.step) - 1
    extra = config.backtest.calibration + overlap if config.backtest.calibration else 0
    older = [config.frequency.shift(reported[-1], -config.step * (i + 1)) for i in range(extra)]
    return sorted(reported), sorted(older)
