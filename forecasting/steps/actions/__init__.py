"""What people write: entries with author, time and reason, in a table to which rows are only ever added.

Nothing is overwritten: of the entries about one subject the newest holds, and a withdrawal is an entry, too. The kinds:
scenario (saved_scenarios).
"""

from forecasting.steps.actions.saved_scenarios import (
    SavedScenario,
    duplicate_scenario,
    list_saved_scenarios,
    open_saved_scenario,
    save_scenario,
    withdraw_scenario,
)

__all__ = [
    "SavedScenario",
    "duplicate_scenario",
    "list_saved_scenarios",
    "open_saved_scenario",
    "save_scenario",
    "withdraw_scenario",
]
