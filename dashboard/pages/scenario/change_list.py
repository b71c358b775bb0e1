"""`draw_change_list(changes)` returns the list of a scenario's changes, each in words and with a Remove button.

changes: texts like "price*=0.9@2016-05-23:2016-05-29"; `describe_edit(edit)` is the wording of one.
"""

from typing import Any

import dash_mantine_components as dmc

from dashboard.pages.scenario.changes import to_edits
from forecasting.data.edits import Edit

OPERATIONS = {"=": "set to", "*=": "multiply by", "+=": "add", "-=": "subtract"}


def draw_change_list(changes: list[str]) -> Any:
    """One row per change; a sentence when there is none."""
    if not changes:
        return dmc.Text("No change yet: the scenario equals the plan.", size="sm", c="dimmed")
    return dmc.Stack([_row(i, edit) for i, edit in enumerate(to_edits(changes))], gap=4)


def describe_edit(edit: Edit) -> str:
    """An edit in words: "price: multiply by 0.9 from 2016-05-23 to 2016-05-29"."""
    days = f"on {edit.start}" if edit.start == edit.end else f"from {edit.start} to {edit.end}"
    value = f"{edit.value:g}" if isinstance(edit.value, float) else edit.value
    condition = f" where {edit.where}" if edit.where else ""
    return f"{edit.column}: {OPERATIONS[edit.op]} {value} {days}{condition}"


def _row(index: int, edit: Edit) -> dmc.Group:
    text = describe_edit(edit)
    remove = dmc.Button(
        "Remove",
        id={"type": "scenario-remove", "index": index},
        size="compact-xs",
        variant="subtle",
        **{"aria-label": f"Remove {text}"},
    )
    return dmc.Group([dmc.Text(text, size="sm"), remove], gap="xs", className="change")
