"""Scenarios: `run_scenario` forecasts as planned and with edits of the coming days, side by side."""

from forecasting.steps.scenario.run import Scenario, compare_plans, run_scenario
from forecasting.steps.scenario.selection import SeriesFilter, select_series

__all__ = ["Scenario", "SeriesFilter", "compare_plans", "run_scenario", "select_series"]
