"""`demandcast users add|list|remove|password|role CONFIG ...`: who may sign in to the dashboard of a job.

Passwords come from a prompt or from the environment variable DEMANDCAST_PASSWORD, never from an argument, which every
user of the machine could read.
"""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from flows.arguments import File, Sets, load_config, print_line
from forecasting.errors import UserError

if TYPE_CHECKING:
    from forecasting.services.accounts.database import Accounts

PASSWORD = "DEMANDCAST_PASSWORD"
Name = Annotated[str, Parameter(help="Name of the user, such as anna or anna@example.com.")]
Role = Annotated[str, Parameter(help="viewer: reads; planner: also saves scenarios and sends files; admin: all.")]

Missing = Annotated[bool, Parameter(help="Leave a user of this name as it is, where there is one.")]

users = App(name="users", help="Who may sign in to the dashboard: add, list, remove, change the password or the role.")


@users.command
def add(config: File, name: Name, /, *, role: Role, if_missing: Missing = False, set_: Sets = ()) -> None:
    """Add a user; the password is asked for, or read from DEMANDCAST_PASSWORD."""
    from forecasting.services.accounts.users import add_user, list_users

    accounts = open_accounts(config, set_)
    if if_missing and name.strip().lower() in list_users(accounts)["name"].to_list():
        print_line(f"there is a user {name} already, who stays as it is")
        return
    add_user(accounts, name, role, read_password())
    print_line(f"{name.strip().lower()} may sign in as {role}; a server that runs without accounts has to start again")


@users.command(name="list")
def list_(config: File, /, *, set_: Sets = ()) -> None:
    """All users with their roles."""
    from forecasting.services import console
    from forecasting.services.accounts.users import list_users

    found = list_users(open_accounts(config, set_))
    if found.is_empty():
        print_line("there are no users: the dashboard is open, to this machine only")
    else:
        console.print_table(found, "users", {})


@users.command
def remove(config: File, name: Name, /, *, set_: Sets = ()) -> None:
    """Remove a user and end its sessions at once."""
    from forecasting.services.accounts.users import remove_user

    remove_user(open_accounts(config, set_), name)
    print_line(f"{name} is removed and signed out")


@users.command
def password(config: File, name: Name, /, *, set_: Sets = ()) -> None:
    """Change a password and end the user's sessions at once."""
    from forecasting.services.accounts.users import set_password

    set_password(open_accounts(config, set_), name, read_password())
    print_line(f"{name} has another password and is signed out")


@users.command
def role(config: File, name: Name, role: Role, /, *, set_: Sets = ()) -> None:
    """Change the role of a user, at once."""
    from forecasting.services.accounts.users import set_role

    set_role(open_accounts(config, set_), name, role)
    print_line(f"{name} is {role}")


def open_accounts(config: Path, sets: tuple[str, ...]) -> Accounts:
    """The accounts of the job's store."""
    job = load_config(config, sets)
    from forecasting.services.accounts import database

    return database.open_accounts(job)


def read_password() -> str:
    """The password from the environment, or from a prompt that is shown twice; raises UserError."""
    if (given := os.environ.get(PASSWORD)) is not None:
        return given
    if not sys.stdin.isatty():
        raise UserError(f"there is nobody to ask for a password: put it into the environment variable {PASSWORD}")
    first = getpass("Password: ")
    if getpass("Again: ") != first:
        raise UserError("the two passwords differ: nothing was changed")
    return first
