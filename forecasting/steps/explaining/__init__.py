"""Explanations of published forecasts: `explain` splits them into contributions, `explain_change` compares vintages.

Both take a Session and a SeriesFilter and return frames and sentences; nothing is stored.
"""

from forecasting.steps.explaining.changes import Change, explain_change
from forecasting.steps.explaining.explain import Explanation, explain

__all__ = ["Change", "Explanation", "explain", "explain_change"]
