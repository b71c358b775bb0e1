"""Explanations of published forecasts: `explain` splits them into contributions, `explain_change` compares vintages.

`past_events` measures past promotions and price changes. All take a Session and a SeriesFilter and return frames and
sentences; nothing is stored.
"""

from forecasting.steps.explaining.changes import Change, explain_change
from forecasting.steps.explaining.events import PastEvents, past_events
from forecasting.steps.explaining.explain import Explanation, explain

__all__ = ["Change", "Explanation", "PastEvents", "explain", "explain_change", "past_events"]
