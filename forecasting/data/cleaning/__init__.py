"""Cleaning by rule, told per row: `y_raw` keeps what came, `y` is what models learn from, `flag` says why they differ.

Two kinds of rules. Those that read nothing later than the row itself (`by_row`, `close`): what they say of a day holds
for ever. Those that look at the days around (`by_neighbours`: stock-outs and outliers): a later day may change what
they say, so a cut takes their verdicts back and asks again with what was known on its day (`as_known`).
"""

from forecasting.data.cleaning.closings import close, closings, units
from forecasting.data.cleaning.rows import CHANGED, as_known, by_neighbours, by_row, for_ever, made_here, settled

__all__ = [
    "CHANGED",
    "as_known",
    "by_neighbours",
    "by_row",
    "close",
    "closings",
    "for_ever",
    "made_here",
    "settled",
    "units",
]
