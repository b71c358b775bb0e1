"""Explanations of forecasts, as frames: contributions in units that add up, bridges between vintages, and sentences.

`split` takes forecasts with the effects behind them and returns one column per component; `combine` adds those of the
members of an ensemble; `bridge` takes forecasts with one thing changed after the other; `tell` says it in words.
Nothing is forecast or read here.
"""

from forecasting.planning.explain.bridge import CHANGES, bridge
from forecasting.planning.explain.components import ANSWERS, COMPONENTS, WORDS
from forecasting.planning.explain.sentence import tell, tell_change
from forecasting.planning.explain.split import combine, split

__all__ = ["ANSWERS", "CHANGES", "COMPONENTS", "WORDS", "bridge", "combine", "split", "tell", "tell_change"]
