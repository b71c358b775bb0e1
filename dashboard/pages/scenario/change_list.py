"""`draw_change_list(changes)` returns the list of a scenario's changes, each in words and with a Remove button.

changes: texts like "price*=0.9@2016-05-23:2016-05-29"; `describe_edit(edit)` is the wording of one, `value_hint` shows
what a value looks like.
"""

from typing import Any

import dash_mantine_components as dmc

from dashboard.pages.scenario.changes import to_edits
from forecasting.data.edits import Edit
from forecasting.planning.scenario import CLOSING, HOLIDAY, LIKE, NEW

OPERATIONS = {"=": "set to", "*=": "multiply by", "+=": "add", "-=": "subtract"}


def draw_change_list(changes: list[str]) -> Any:
    """One row per change; a sentence when there is none."""
    if not changes:
        return dmc.Text("No change yet: the scenario equals the plan.", size="sm", c="dimmed")
    return dmc.Stack([_row(i, edit) for i, edit in enumerate(to_edits(changes))], gap=4)


def describe_edit(edit: Edit) -> str:
    """An edit in words: "price: multiply by 0.9 from 2016-05-23 to 2016-05-29"."""
    days = f"on {edit.start}" if edit.start == edit.end else f"from {edit.start} to {edit.end}"
    if edit.column == NEW and isinstance(edit.value, str):
        return f"{NEW}: {edit.value} {days}"
    value = f"{edit.value:g}" if isinstance(edit.value, float) else edit.value
    condition = f" where {edit.where}" if edit.where else ""
    return f"{edit.column}: {OPERATIONS[edit.op]} {value} {days}{condition}"


def value_hint(column: str, series: str | None) -> dict[str, str]:
    """What a value of the column looks like, in the properties of its input; `series` is the selected one."""
    if column == NEW:
        return {"placeholder": f"S1/I99{LIKE}{series or 'S1/I13'}", "description": "A name, and a series it is like"}
    examples = {CLOSING: "1", HOLIDAY: "for example Jubilee"}
    return {"placeholder": examples.get(column, "for example 0.9"), "description": ""}


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
