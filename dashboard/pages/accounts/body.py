"""The page Access: `layout(config, query)` returns the tables of users and keys with their forms, and the audit log.

`draw_users(accounts)` and `draw_keys(accounts)` are the tables alone, drawn again after a change.
"""

from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import html

from dashboard.access.visits import current
from dashboard.components import card, data_table, empty_state, page_frame, text_column
from dashboard.pages.accounts.opened import opened
from forecasting.config import Config
from forecasting.services.accounts.audit import read_audit
from forecasting.services.accounts.database import Accounts
from forecasting.services.accounts.identity import ROLES
from forecasting.services.accounts.keys import list_keys
from forecasting.services.accounts.users import list_users

LEAD = "Viewers read, planners also save scenarios and send files, admins also promote models and give access."
ENTRIES = 200
"""Entries of the audit log that are shown; `demandcast audit` has all."""
MINUTE = "%Y-%m-%d %H:%M"
USERS = {"name": "Name", "role": "Role", "signs_in": "Signs in with", "created": "Since (UTC)"}
KEYS = {"name": "Name", "role": "Role", "created": "Made (UTC)", "expires": "Expires (UTC)", "used": "Last used (UTC)"}
AUDIT = {
    "time": "Time (UTC)", "event": "What", "who": "Who", "method": "Method", "route": "Route", "object": "About",
    "status": "Status", "address": "Address",
}  # fmt: skip


def layout(config: Config, _: dict[str, Any]) -> Any:
    """Users, keys and the audit log; how to begin where nobody has to sign in."""
    if current().by == "loopback":
        reason = (
            "This dashboard answers this machine only. With a first admin, one has to sign in after its next start."
        )
        command = f"demandcast users add {config.file} NAME --role admin"
        return page_frame("Access", LEAD, empty_state("Nobody has to sign in", reason, command))
    with opened(config) as accounts:
        parts = [
            card("Users", [html.Div(draw_users(accounts), id="access-users"), *_user_forms()]),
            card("Keys of programs", [html.Div(draw_keys(accounts), id="access-keys"), *_key_forms()]),
            card("Who did what", [_table("access-audit", read_audit(accounts, ENTRIES), AUDIT)]),
        ]
    return page_frame("Access", LEAD, *parts)


def draw_users(accounts: Accounts) -> Any:
    """The table of users."""
    return _table("access-user-table", list_users(accounts), USERS)


def draw_keys(accounts: Accounts) -> Any:
    """The table of keys; the keys themselves are not known."""
    return _table("access-key-table", list_keys(accounts), KEYS)


def _table(name: str, rows: pl.DataFrame, headers: dict[str, str]) -> Any:
    texts = rows.with_columns(pl.col(pl.Datetime).dt.strftime(MINUTE))
    wide = {"minWidth": 150}
    columns = [text_column(c, header, **(wide if "UTC" in header else {})) for c, header in headers.items()]
    return data_table(name, texts, columns, height=320)


def _user_forms() -> list[Any]:
    """A form for a new user, and one for what is to change of a user."""
    new = [
        dmc.TextInput(id="access-user-name", label="New user", placeholder="anna"),
        _roles("access-user-role"),
        dmc.PasswordInput(id="access-user-password", label="Password", description="12 characters or more", w=200),
        dmc.Button("Add", id="access-user-add"),
    ]
    known = [
        dmc.TextInput(id="access-changed-name", label="User", placeholder="anna"),
        _roles("access-changed-role"),
        dmc.Button("Set role", id="access-user-set-role", variant="light"),
        dmc.PasswordInput(id="access-changed-password", label="New password", description="ends all sessions", w=200),
        dmc.Button("Set password", id="access-user-set-password", variant="light"),
        dmc.Button("Remove", id="access-user-remove", variant="default"),
    ]
    return [_row(new), _row(known), html.Div(id="access-user-message", role="status")]


def _key_forms() -> list[Any]:
    """A form for a new key, and one to revoke a key."""
    new = [
        dmc.TextInput(id="access-key-name", label="Key", placeholder="nightly-export"),
        _roles("access-key-role"),
        dmc.NumberInput(id="access-key-days", label="Days", placeholder="until revoked", min=1, allowDecimal=False),
        dmc.Button("Make a key", id="access-key-add"),
        dmc.Button("Revoke", id="access-key-revoke", variant="default"),
    ]
    return [_row(new), html.Div(id="access-key-message", role="status")]


def _roles(name: str) -> dmc.Select:
    return dmc.Select(id=name, label="Role", data=list(ROLES), value=ROLES[0], allowDeselect=False, w=130)


def _row(fields: list[Any]) -> dmc.Group:
    return dmc.Group(fields, gap="md", align="flex-end")
