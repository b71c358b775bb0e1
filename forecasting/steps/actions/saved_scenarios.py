"""Saved scenarios, named Edits of some series: `save_scenario` saves them, `list_saved_scenarios` returns them.

Saving, duplicating and withdrawing take a Session, add an entry to the table `actions`, and return its version. Nothing
is forecast here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forecasting.data.edits import Edit, format_edit, parse_edit
from forecasting.errors import UserError
from forecasting.steps.actions.action_log import read_valid_actions, record_action
from forecasting.steps.session import Session

KIND = "scenario"


@dataclass(frozen=True)
class SavedScenario:
    """The edits of some series under a name, with who saved them, when (UTC) and why; `version` counts its changes.

    The series are the one `unique_id`, those that meet the SQL condition `where`, or, without either, all.
    """

    name: str
    unique_id: str | None
    edits: tuple[Edit, ...]
    author: str
    time: datetime
    reason: str
    version: int
    where: str | None = None


def save_scenario(
    session: Session, name: str, unique_id: str | None, edits: Sequence[Edit], reason: str, where: str | None = None
) -> int:
    """Save the edits of a series, or of those that meet `where`, under a name; returns the version, 1 for a new name.

    A name that is in use gets a further version, which supersedes the one before. Raises UserError without a name, a
    reason or an edit.
    """
    if not edits:
        raise UserError(f"scenario {name.strip()}: there is no change to save")
    payload = {"unique_id": unique_id, "where": where, "edits": [format_edit(edit) for edit in edits]}
    return record_action(session, KIND, name, "save", reason, payload)


def list_saved_scenarios(session: Session) -> list[SavedScenario]:
    """The saved scenarios that were not withdrawn, each in its newest version, the newest first."""
    return [_read(row) for row in read_valid_actions(session, KIND).iter_rows(named=True)]


def open_saved_scenario(session: Session, name: str) -> SavedScenario:
    """The newest version of a saved scenario; raises UserError when there is none, or when it was withdrawn."""
    found = [saved for saved in list_saved_scenarios(session) if saved.name == name.strip()]
    if not found:
        raise UserError(f"scenario {name.strip()}: there is no saved scenario of this name")
    return found[0]


def duplicate_scenario(session: Session, name: str, new: str) -> int:
    """Save a scenario under a new name as well; returns the version of the copy.

    Raises UserError when there is no such scenario, or when the new name is in use.
    """
    saved = open_saved_scenario(session, name)
    if any(other.name == new.strip() for other in list_saved_scenarios(session)):
        raise UserError(f"scenario {new.strip()}: this name is in use; choose another one for the copy")
    reason = f"copy of {saved.name}, version {saved.version}: {saved.reason}"
    return save_scenario(session, new, saved.unique_id, saved.edits, reason, saved.where)


def withdraw_scenario(session: Session, name: str, reason: str) -> int:
    """Withdraw a saved scenario, which then is no longer listed; its entries stay. Returns the version of the entry.

    Raises UserError without a reason, when there is no such scenario, or when it was withdrawn already.
    """
    saved = open_saved_scenario(session, name)
    return record_action(session, KIND, saved.name, "withdraw", reason, {})


def _read(row: dict[str, Any]) -> SavedScenario:
    payload = json.loads(row["payload"])
    edits = tuple(parse_edit(line) for line in payload["edits"])
    return SavedScenario(
        row["subject"],
        payload["unique_id"],
        edits,
        row["author"],
        row["time"],
        row["reason"],
        row["version"],
        payload.get("where"),
    )
