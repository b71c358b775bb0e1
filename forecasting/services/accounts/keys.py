"""Keys of programs that use the API: `add_key` returns a new one, once; `find_key` says whose a key is.

A key has a name and a role of its own. `list_keys` and `revoke_key` are for admins.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from forecasting.errors import UserError
from forecasting.services.accounts.database import Accounts
from forecasting.services.accounts.identity import Identity
from forecasting.services.accounts.tables import digest, keys, now
from forecasting.services.accounts.users import checked_name, checked_role

PREFIX = "dck_"
"""Keys begin with it, so that scanners for secrets find one that was left in a file."""
NOTE_USE = timedelta(minutes=1)
"""How exact it is known when a key was last used."""
SCHEMA = pl.Schema({"name": pl.String(), "role": pl.String()}) | {
    name: pl.Datetime("us") for name in ("created", "expires", "used")
}


def add_key(accounts: Accounts, name: str, role: str, days: int | None = None) -> str:
    """A new key, valid for so many days or until it is revoked; only its digest is stored.

    Raises UserError for a name that is taken or odd, a wrong role, and days below 1.
    """
    if days is not None and days < 1:
        raise UserError(f"a key cannot be valid for {days} days: give 1 or more")
    key, created = PREFIX + secrets.token_urlsafe(32), now()
    row = {"name": checked_name(name, "key"), "role": checked_role(role), "digest": digest(key), "created": created}
    try:
        with accounts.begin() as connection:
            expires = created + timedelta(days=days) if days else None
            connection.execute(insert(keys).values(**row, expires=expires))
    except IntegrityError:
        raise UserError(f"there is a key {row['name']} already: choose another name, or revoke that one") from None
    return key


def list_keys(accounts: Accounts) -> pl.DataFrame:
    """All keys by name: [name, role, created, expires, used], times UTC; null: never."""
    with accounts.connect() as connection:
        found = connection.execute(select(*(keys.c[name] for name in SCHEMA)).order_by(keys.c.name)).mappings().all()
    return pl.DataFrame([dict(row) for row in found], SCHEMA)


def revoke_key(accounts: Accounts, name: str) -> None:
    """Make a key worthless at once; raises UserError when there is none of this name."""
    with accounts.begin() as connection:
        if not connection.execute(delete(keys).where(keys.c.name == name.strip().lower())).rowcount:
            raise UserError(f"there is no key {name!r}")


def find_key(accounts: Accounts, key: str) -> Identity | None:
    """Who uses this key; None when it was never given out, was revoked, or has expired."""
    moment = now()
    valid = or_(keys.c.expires.is_(None), keys.c.expires > moment)
    with accounts.connect() as connection:
        row = connection.execute(select(keys).where(keys.c.digest == digest(key), valid)).mappings().one_or_none()
    if row is None:
        return None
    _note_use(accounts, int(row["id"]), row["used"], moment)
    return Identity(f"key:{row['name']}", row["role"], "key")


def _note_use(accounts: Accounts, key_id: int, before: datetime | None, moment: datetime) -> None:
    if before is None or moment - before > NOTE_USE:
        with accounts.begin() as connection:
            connection.execute(update(keys).where(keys.c.id == key_id).values(used=moment))
