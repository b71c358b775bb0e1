"""Explanations of published forecasts: `explain` splits them into contributions, `explain_change` compares vintages.

`explain_inputs` tells what the inputs of trees add, `past_events` measures past promotions and price changes. All take
a Session and a SeriesFilter and return frames and sentences; nothing is stored.
"""

from forecasting.steps.explaining.changes import Change, explain_change
from forecasting.steps.explaining.events import PastEvents, are_events_held, past_events
from forecasting.steps.explaining.explain import Explanation, explain
from forecasting.steps.explaining.inputs import explain_inputs

__all__ = [
    "Change",
    "Explanation",
    "PastEvents",
    "are_events_held",
    "explain",
    "explain_change",
    "explain_inputs",
    "past_events",
]
