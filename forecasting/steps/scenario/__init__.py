"""Scenarios: `run_scenario` forecasts as planned and with edits of the coming days, side by side."""

from forecasting.steps.scenario.edited import answer_levers, predict_cut, split_edits
from forecasting.steps.scenario.run import (
    Scenario,
    SeriesFilter,
    check_days,
    panel_schema,
    run_scenario,
    select_series,
    warn_unseen,
)

__all__ = [
    "Scenario",
    "SeriesFilter",
    "answer_levers",
    "check_days",
    "panel_schema",
    "predict_cut",
    "run_scenario",
    "select_series",
    "split_edits",
    "warn_unseen",
]
