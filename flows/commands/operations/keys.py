"""`demandcast keys add|list|revoke CONFIG ...`: keys of programs that use the API of a job.

A new key is printed once, on a line of its own; only its digest is kept.
"""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from flows.arguments import File, Sets, print_line
from flows.commands.operations.users import Role, open_accounts

Name = Annotated[str, Parameter(help="What the key is for, such as nightly-export.")]
Days = Annotated[int | None, Parameter(help="Days after which it is worthless; until it is revoked if left out.")]

keys = App(name="keys", help="Keys of programs that use the API: add, list, revoke.")


@keys.command
def add(config: File, name: Name, /, *, role: Role, days: Days = None, set_: Sets = ()) -> None:
    """Make a key and print it, this once."""
    from forecasting.services.accounts.keys import add_key

    print_line(add_key(open_accounts(config, set_), name, role, days))


@keys.command(name="list")
def list_(config: File, /, *, set_: Sets = ()) -> None:
    """All keys with their roles, and when they were last used; not the keys themselves."""
    from forecasting.services import console
    from forecasting.services.accounts.keys import list_keys

    found = list_keys(open_accounts(config, set_))
    if found.is_empty():
        print_line("there are no keys")
    else:
        console.print_table(found, "keys (times are UTC)", {})


@keys.command
def revoke(config: File, name: Name, /, *, set_: Sets = ()) -> None:
    """Make a key worthless at once."""
    from forecasting.services.accounts.keys import revoke_key

    revoke_key(open_accounts(config, set_), name)
    print_line(f"the key {name} is worthless now")
