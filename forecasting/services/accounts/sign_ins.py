"""Sessions of signed-in users: `sign_in` returns the token of a new one, `find_session` says whose it is.

`sign_out` ends one at once, wherever it is used. Sign-ins that are under way at another provider are kept by
`put_pending`, and taken once by `take_pending`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from forecasting.services.accounts.database import Accounts
from forecasting.services.accounts.identity import Identity, Role
from forecasting.services.accounts.tables import digest, now, pending, sessions, users

PENDING = timedelta(minutes=10)
"""How long a sign-in at another provider may take."""


def sign_in(accounts: Accounts, user_id: int, hours: int) -> str:
    """The token of a new session of a user; sessions that are over are removed on the way."""
    token, begun = secrets.token_urlsafe(32), now()
    with accounts.begin() as connection:
        connection.execute(delete(sessions).where(sessions.c.expires <= begun))
        row = {"digest": digest(token), "user_id": user_id, "created": begun}
        connection.execute(insert(sessions).values(**row, expires=begun + timedelta(hours=hours)))
    return token


def find_session(accounts: Accounts, token: str) -> Identity | None:
    """Who is signed in with this token, in the role of this moment; None when the session is over."""
    found = (
        select(users.c.name, users.c.role)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.digest == digest(token), sessions.c.expires > now())
    )
    with accounts.connect() as connection:
        row = connection.execute(found).one_or_none()
    return Identity(row.name, row.role, "session") if row else None


def sign_out(accounts: Accounts, token: str) -> None:
    """End a session."""
    with accounts.begin() as connection:
        connection.execute(delete(sessions).where(sessions.c.digest == digest(token)))


def put_pending(accounts: Accounts, payload: Mapping[str, Any]) -> str:
    """Keep what a sign-in at another provider needs when the user comes back; returns the token to ask for it with."""
    token, begun = secrets.token_urlsafe(32), now()
    with accounts.begin() as connection:
        connection.execute(delete(pending).where(pending.c.expires <= begun))
        row = {"digest": digest(token), "payload": json.dumps(payload), "expires": begun + PENDING}
        connection.execute(insert(pending).values(**row))
    return token


def take_pending(accounts: Accounts, token: str) -> dict[str, Any] | None:
    """What was kept under this token; only once, and None when it took too long."""
    with accounts.begin() as connection:
        row = connection.execute(select(pending).where(pending.c.digest == digest(token))).mappings().one_or_none()
        taken = connection.execute(delete(pending).where(pending.c.digest == digest(token))).rowcount
    if row is None or not taken or row["expires"] <= now():
        return None
    payload: dict[str, Any] = json.loads(row["payload"])
    return payload


def known_elsewhere(accounts: Accounts, subject: str, name: str, role: Role) -> int | None:
    """The id of the user whom another provider calls `subject`, in its role of now; added when new.

    None when the name belongs to somebody else already.
    """
    with accounts.begin() as connection:
        found = connection.scalar(select(users.c.id).where(users.c.subject == subject))
        if found is not None:
            connection.execute(users.update().where(users.c.id == found).values(role=role))
            return int(found)
    try:
        with accounts.begin() as connection:
            row = {"name": name, "role": role, "subject": subject, "created": now()}
            connection.execute(insert(users).values(**row))
            return int(connection.scalar(select(users.c.id).where(users.c.subject == subject)) or 0)
    except IntegrityError:
        return None
