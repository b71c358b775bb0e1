"""Users: `add_user`, `list_users`, `remove_user`, `set_password`, `set_role`; `check_password` for signing in.

All take the Accounts first. Names are stored in lower case, so that Anna and anna are one user. Who loses access, or
gets another password, is signed out everywhere.
"""

from __future__ import annotations

import re

import polars as pl
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from forecasting.errors import UserError
from forecasting.services.accounts.database import Accounts
from forecasting.services.accounts.identity import ROLES, Role
from forecasting.services.accounts.passwords import fits, hash_password, is_outdated
from forecasting.services.accounts.tables import now, sessions, users

NAME = re.compile(r"[\w.@+-]{1,100}")
SCHEMA = pl.Schema({"name": pl.String(), "role": pl.String(), "signs_in": pl.String(), "created": pl.Datetime("us")})


def add_user(accounts: Accounts, name: str, role: str, password: str) -> None:
    """Add a user who signs in here; raises UserError for a name that is taken or odd, a wrong role or password."""
    row = {"name": checked_name(name, "user"), "role": checked_role(role), "password": hash_password(password)}
    try:
        with accounts.begin() as connection:
            connection.execute(insert(users).values(**row, created=now()))
    except IntegrityError:
        raise UserError(f"there is a user {row['name']} already: choose another name, or change the password") from None


def list_users(accounts: Accounts) -> pl.DataFrame:
    """All users by name: [name, role, signs_in (`password` or `elsewhere`), created (UTC)]."""
    with accounts.connect() as connection:
        found = connection.execute(select(users).order_by(users.c.name)).mappings().all()
    rows = [
        {
            "name": row["name"],
            "role": row["role"],
            "signs_in": "password" if row["password"] else "elsewhere",
            "created": row["created"],
        }
        for row in found
    ]
    return pl.DataFrame(rows, SCHEMA)


def remove_user(accounts: Accounts, name: str) -> None:
    """Remove a user and sign it out; raises UserError when there is none, and for the last admin."""
    with accounts.begin() as connection:
        user_id = _find(connection, name)
        _keep_an_admin(connection, user_id)
        _sign_out(connection, user_id)
        connection.execute(delete(users).where(users.c.id == user_id))


def set_password(accounts: Accounts, name: str, password: str) -> None:
    """Give a user another password and sign it out everywhere; raises UserError."""
    hashed = hash_password(password)
    with accounts.begin() as connection:
        user_id = _find(connection, name)
        connection.execute(update(users).where(users.c.id == user_id).values(password=hashed))
        _sign_out(connection, user_id)


def set_role(accounts: Accounts, name: str, role: str) -> None:
    """Give a user another role, at once; raises UserError, also for the last admin."""
    with accounts.begin() as connection:
        user_id = _find(connection, name)
        if checked_role(role) != "admin":
            _keep_an_admin(connection, user_id)
        connection.execute(update(users).where(users.c.id == user_id).values(role=role))


def check_password(accounts: Accounts, name: str, password: str) -> int | None:
    """The id of the user with this name and password, or None; takes as long for a user that does not exist."""
    with accounts.connect() as connection:
        row = connection.execute(select(users).where(users.c.name == name.strip().lower())).mappings().one_or_none()
    stored = row["password"] if row else None
    if not fits(stored, password) or row is None:
        return None
    if is_outdated(row["password"]):
        with accounts.begin() as connection:
            hashed = hash_password(password)
            connection.execute(update(users).where(users.c.id == row["id"]).values(password=hashed))
    return int(row["id"])


def count_users(accounts: Accounts) -> int:
    """How many users there are."""
    with accounts.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(users)) or 0)


def checked_name(name: str, kind: str) -> str:
    """The name as it is stored; raises UserError for one with spaces or odd characters."""
    if not NAME.fullmatch(name.strip()):
        raise UserError(f"{name!r} cannot be the name of a {kind}: use letters, digits and . _ @ + -, no spaces")
    return name.strip().lower()


def checked_role(role: str) -> Role:
    """The role; raises UserError for any other text."""
    if role not in ROLES:
        raise UserError(f"there is no role {role!r}: choose one of {', '.join(ROLES)}")
    return role


def _find(connection: Connection, name: str) -> int:
    found = connection.scalar(select(users.c.id).where(users.c.name == name.strip().lower()))
    if found is None:
        names = connection.scalars(select(users.c.name).order_by(users.c.name).limit(10)).all()
        raise UserError(f"there is no user {name!r}; there are: {', '.join(names) or 'none'}")
    return int(found)


def _keep_an_admin(connection: Connection, user_id: int) -> None:
    """Raise UserError when this is the only admin: nobody could give access any more."""
    admins = connection.scalars(select(users.c.id).where(users.c.role == "admin")).all()
    if list(admins) == [user_id]:
        raise UserError("this is the only admin: make another user admin first")


def _sign_out(connection: Connection, user_id: int) -> None:
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
