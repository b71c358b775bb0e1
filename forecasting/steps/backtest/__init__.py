"""The step backtest: `backtest` scores every model of a Session's config at past cutoffs, by the production path.

It returns an Outcome; rows go to `backtests`, scores to `scores`. `summarize` makes Sections of its facts.
"""

from forecasting.steps.backtest.step import backtest
from forecasting.steps.reports.backtest_summary import summarize_backtest as summarize

__all__ = ["backtest", "summarize"]
