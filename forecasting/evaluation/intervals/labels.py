"""The texts of the column `interval`: which past errors the bounds of a forecast row rest on."""

from __future__ import annotations

COLD_START = "cold start"
"""Errors of series that were hidden and forecast from similar series (see models/cold_start)."""
HORIZON_BLOCK = "horizon block"
"""Backtest errors of the model in the same grain, block of the horizon and band of volume."""
ALL_HORIZONS = "all horizons"
"""Backtest errors of the model in the same grain, over all blocks: too few in the block alone."""
MODEL = "model"
"""No backtest errors: the model's bounds or, without them, a normal bound from the in-sample error."""
