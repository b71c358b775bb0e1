"""The changes of a scenario, each one line of text like "price*=0.9@2016-05-23:2016-05-29"."""

from typing import Any

import dash_mantine_components as dmc
from dash import no_update

from forecasting.data.edits import Edit
from forecasting.steps import queries

OPS = {"=": "set to", "*=": "multiply by", "+=": "add", "-=": "subtract"}


def change_text(text: str) -> str:
    """A reader of a change; raises ValueError for a text that is none."""
    return queries.spelled(queries.edit_of(text))


def edits(changes: list[str]) -> list[Edit]:
    """The changes as edits of a cut."""
    return [queries.edit_of(c) for c in changes]


def added(changes: list[str], span: list[str] | None, change: str) -> tuple[Any, Any]:
    """The changes with one more over the days of `span`, or what is wrong with it."""
    if not span or None in span:
        return no_update, "Choose the first and the last day first"
    try:
        return [*changes, change_text(f"{change}@{span[0]}:{span[1]}")], None
    except ValueError:
        return no_update, "Give a number, or a text to set"


def with_cells(changes: list[str], cells: list[dict[str, Any]]) -> list[str]:
    """The changes with edited cells: each sets one column on one day, in place of an earlier edit of that cell."""
    for cell in cells:
        day, column, value = cell["data"]["ds"], cell["colId"], cell.get("value")
        at = f"@{day}:{day}"
        changes = [c for c in changes if not (c.startswith(f"{column}=") and c.endswith(at))]
        if value not in (None, ""):
            changes = [*changes, change_text(f"{column}={value}{at}")]
    return changes


def without(changes: list[str], clicks: list[int | None], index: int) -> Any:
    """The changes without the one whose button was pressed; buttons that were only drawn have no clicks."""
    return [c for i, c in enumerate(changes) if i != index] if any(clicks) else no_update


def listed(changes: list[str]) -> Any:
    """The changes in words, each with a button that takes it back."""
    if not changes:
        return dmc.Text("No change yet: the scenario equals the plan.", size="sm", c="dimmed")
    return dmc.Stack([_row(i, edit) for i, edit in enumerate(edits(changes))], gap=4)


def _row(index: int, edit: Edit) -> dmc.Group:
    days = f"on {edit.start}" if edit.start == edit.end else f"from {edit.start} to {edit.end}"
    value = f"{edit.value:g}" if isinstance(edit.value, float) else edit.value
    words = f"{edit.column}: {OPS[edit.op]} {value} {days}"
    name = {"type": "s-drop", "index": index}
    label = {"aria-label": f"Remove {words}"}
    drop = dmc.Button("Remove", id=name, size="compact-xs", variant="subtle", **label)
    return dmc.Group([dmc.Text(words, size="sm"), drop], gap="xs", className="change")
