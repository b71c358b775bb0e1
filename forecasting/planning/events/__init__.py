"""Past promotions and price changes as evidence: what was sold, against what was to be expected without them.

`find_events` takes rows of series and returns their events; `measure` adds baseline, uplift and the dip after it with
their standard errors; `market_days` and `add_halo` say what other series of the market sold; `finish` adds intervals
and money. Frames in, frames out.
"""

from forecasting.planning.events.halo import MARKET, add_halo, market_days, market_label
from forecasting.planning.events.history import read_history
from forecasting.planning.events.measure import measure
from forecasting.planning.events.table import COLUMNS, finish
from forecasting.planning.events.windows import find_events

__all__ = [
    "COLUMNS", "MARKET", "add_halo", "find_events", "finish", "market_days", "market_label", "measure", "read_history",
]  # fmt: skip
