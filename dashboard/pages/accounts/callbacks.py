"""Callbacks of the page Access: `register(app, config)` adds one for each Action, a button that changes users or keys.

All are for admins. A table is drawn again after a change, and a message says what was done, or why it was not. A new
key is shown this once; passwords are taken out of the page as soon as they were sent.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dash import Dash, Input, Output, State, no_update

from dashboard.access.visits import needs, note_object
from dashboard.error_text import error_text
from dashboard.pages.accounts.body import draw_keys, draw_users
from dashboard.pages.accounts.opened import opened
from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.services.accounts import keys, users


@dataclass(frozen=True)
class Action:
    """A button (access-KIND-BUTTON): `act(accounts, name, *values of fields)` makes a change, then `message` is shown.

    `what` stands in the audit log, before the name.
    """

    kind: str
    button: str
    what: str
    name: str
    fields: tuple[str, ...]
    act: Callable[..., Any]
    message: str


ADDED = ("access-user-role", "access-user-password")
ACTIONS = (
    Action("user", "add", "new user", "access-user-name", ADDED, users.add_user, "{name} may sign in."),
    Action(
        "user", "set-role", "role of user", "access-changed-name", ("access-changed-role",), users.set_role,
        "{name} has this role from now on.",
    ),
    Action(
        "user", "set-password", "password of user", "access-changed-name", ("access-changed-password",),
        users.set_password, "{name} has another password, and is signed out.",
    ),
    Action(
        "user", "remove", "end of user", "access-changed-name", (), users.remove_user,
        "{name} is removed and signed out.",
    ),
    Action(
        "key", "add", "new key", "access-key-name", ("access-key-role", "access-key-days"), keys.add_key,
        "The key of {name}, shown this once: {made}",
    ),
    Action("key", "revoke", "end of key", "access-key-name", (), keys.revoke_key, "The key {name} is worthless now."),
)  # fmt: skip
TABLES = {"user": draw_users, "key": draw_keys}


def register(app: Dash, config: Config) -> None:
    """Add the callbacks of all buttons."""
    for action in ACTIONS:
        _register(app, config, action)


def _register(app: Dash, config: Config, action: Action) -> None:
    secret = [field for field in action.fields if field.endswith("password")]
    places = [(f"access-{action.kind}s", "children"), (f"access-{action.kind}-message", "children")]

    @app.callback(
        *(Output(*place, allow_duplicate=True) for place in places),
        *(Output(field, "value", allow_duplicate=True) for field in secret),
        Input(f"access-{action.kind}-{action.button}", "n_clicks"),
        *(State(field, "value") for field in (action.name, *action.fields)),
        prevent_initial_call=True,
    )
    @needs("admin")
    async def act(_: int, name: str | None, *values: Any) -> Any:
        note_object(f"{action.what} {name}")
        table, message = await asyncio.to_thread(_act, config, action, name or "", values)
        return table, message, *([""] * len(secret))


def _act(config: Config, action: Action, name: str, values: tuple[Any, ...]) -> tuple[Any, str]:
    """The table after the change, and what to say; the table stays where the change is refused."""
    given = (_given(field, value) for field, value in zip(action.fields, values, strict=True))
    with opened(config) as accounts:
        try:
            made = action.act(accounts, name, *given)
        except UserError as error:
            return no_update, error_text(error)
        return TABLES[action.kind](accounts), action.message.format(name=name, made=made)


def _given(field: str, value: Any) -> Any:
    """The value of a field; an empty number is None, an empty text is one."""
    return (value or None) if field.endswith("days") else (value or "")
