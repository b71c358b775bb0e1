"""Scenarios: `answer` forecasts as planned and with edits of the coming days, side by side, and sums up what they add.

`run_scenario` gives the rows alone, `optimise` (in its module) searches the best value of a lever.
"""

from forecasting.steps.scenario.answers import Answer, answer, answer_from, vintage_at
from forecasting.steps.scenario.run import Scenario, compare_plans, run_scenario
from forecasting.steps.scenario.selection import SeriesFilter, select_series

__all__ = [
    "Answer",
    "Scenario",
    "SeriesFilter",
    "answer",
    "answer_from",
    "compare_plans",
    "run_scenario",
    "select_series",
    "vintage_at",
]
