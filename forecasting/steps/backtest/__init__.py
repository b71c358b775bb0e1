"""Backtest: every model of the recipe at past cutoffs, through the production path, scored and kept."""

from forecasting.steps.backtest.step import backtest
from forecasting.steps.reports.backtest_summary import summarize_backtest as summarize

__all__ = ["backtest", "summarize"]
