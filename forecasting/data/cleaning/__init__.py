"""Cleaning by rule: `y_raw` keeps what came, `y` is what models learn from, `flag` names the rule that changed it.

There are two kinds of rules. Row rules read nothing later than the row itself (`apply_row_rules`, `mark_closings`), so
their result never changes. Neighbour rules look at the days around a row (`apply_neighbour_rules`: stock-outs and
outliers), so a later day may change their result: a cut reverts them in its history and applies them again to what was
known at its cutoff (`clean_as_of_cutoff`).
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
