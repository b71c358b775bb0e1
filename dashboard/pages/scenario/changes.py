"""The changes of a scenario as texts like "price*=0.9@2016-05-23:2016-05-29": adding, editing and removing them.

`add_change`, `apply_cell_edits` and `remove_change` take the list and return a new one (or no update for Dash);
`to_edits` turns it into the Edits that the core takes.
"""

from datetime import date
from typing import Any

from dash import no_update

from forecasting.data.edits import Edit, format_edit, format_number, parse_edit, parse_number


def normalize_change(text: str) -> str:
    """A change from a link, in its one spelling; raises ValueError for a text that is no change."""
    return format_edit(parse_edit(text))


def to_edits(changes: list[str]) -> list[Edit]:
    """The changes as edits of a cut."""
    return [parse_edit(change) for change in changes]


def add_change(changes: list[str], dates: list[str] | None, change: str) -> tuple[Any, Any]:
    """The changes with one more over the two `dates`, and None; or no update, and what is wrong with the change."""
    if not dates or None in dates:
        return no_update, "Choose the first and the last day first"
    try:
        return [*changes, normalize_change(f"{change}@{dates[0]}:{dates[1]}")], None
    except ValueError as error:
        return no_update, str(error)


def apply_cell_edits(changes: list[str], cells: list[dict[str, Any]]) -> list[str]:
    """The changes with edited table cells: each sets a column on one day, and replaces an earlier edit of that cell."""
    edits = to_edits(changes)
    for cell in cells:
        day, column, value = date.fromisoformat(cell["data"]["ds"]), cell["colId"], cell.get("value")
        edits = [e for e in edits if (e.column, e.op, e.start, e.end) != (column, "=", day, day)]
        if value not in (None, ""):
            edits = [*edits, Edit(column, "=", _cell_value(str(value)), day, day)]
    return [format_edit(edit) for edit in edits]


def remove_change(changes: list[str], clicks: list[int | None], index: int) -> Any:
    """The changes without the one at `index`; no update when its button was only drawn and has no clicks yet."""
    return [c for i, c in enumerate(changes) if i != index] if any(clicks) else no_update


def _cell_value(text: str) -> float | str:
    """A number where the text is the usual spelling of one; others, like 007, are left for the column to read."""
    number = parse_number(text)
    return text if number is None or format_number(number) != text else number
