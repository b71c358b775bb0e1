"""The step shadow: forecasts of the challenger beside the champion's, to be scored once their days have come."""

from __future__ import annotations

from forecasting.steps.shadow.step import shadow, summarize

__all__ = ["shadow", "summarize"]
