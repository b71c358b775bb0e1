"""Cleaning by rule, told per row: `y_raw` keeps what came, `y` is what models learn from, `flag` says why they differ.

Two kinds of rules. Those that read nothing later than the row itself (`by_row`, `close`): what they say of a day holds
for ever. Those that look at the days around (`by_neighbours`: stock-outs and outliers): a later day may change what
they say, so a cut takes their verdicts back and asks again with what was known on its day (`as_known`).
"""

from forecasting.data.cleaning.closings import closing_levels, infer_closings, mark_closings
from forecasting.data.cleaning.rules import (
    REPORTED_FLAGS,
    apply_neighbour_rules,
    apply_row_rules,
    clean_as_of_cutoff,
    is_filled,
    revert_neighbour_rules,
    stable_y,
)

__all__ = [
    "REPORTED_FLAGS",
    "apply_neighbour_rules",
    "apply_row_rules",
    "clean_as_of_cutoff",
    "closing_levels",
    "infer_closings",
    "is_filled",
    "mark_closings",
    "revert_neighbour_rules",
    "stable_y",
]
