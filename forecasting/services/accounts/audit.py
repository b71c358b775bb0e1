"""The audit log: `note` adds an entry about a sign-in, a refusal or a write, `read_audit` returns the newest.

Entries are only ever added. `refused_sign_ins` counts those that failed lately, so that guessing can be slowed down.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

import polars as pl
from sqlalchemy import func, insert, select

from forecasting.services.accounts.database import Accounts
from forecasting.services.accounts.tables import LONG, audit, now

Event: TypeAlias = Literal["sign-in", "sign-in refused", "sign-out", "refused", "write"]
SCHEMA = pl.Schema({"time": pl.Datetime("us")}) | {
    name: pl.String() for name in ("event", "who", "method", "route", "object")
} | {"status": pl.Int64(), "address": pl.String()}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """What happened: who did it, by which method and route, about which object, with which status, from where."""

    event: Event
    who: str
    method: str = ""
    route: str = ""
    object: str = ""
    status: int | None = None
    address: str = ""


def note(accounts: Accounts, entry: Entry) -> None:
    """Add an entry, at this moment; texts that are too long are cut off."""
    sizes = {"who": 200, "method": 10, "route": LONG, "object": LONG, "address": 100}
    values = {key: value[: sizes[key]] if key in sizes else value for key, value in asdict(entry).items()}
    with accounts.begin() as connection:
        connection.execute(insert(audit).values(time=now(), **values))


def read_audit(accounts: Accounts, limit: int = 1000) -> pl.DataFrame:
    """The newest entries, the newest first: [time (UTC), event, who, method, route, object, status, address]."""
    query = select(*(audit.c[name] for name in SCHEMA)).order_by(audit.c.id.desc()).limit(limit)
    with accounts.connect() as connection:
        rows = connection.execute(query).mappings().all()
    return pl.DataFrame([dict(row) for row in rows], SCHEMA)


def refused_sign_ins(accounts: Accounts, within: timedelta, *, who: str = "", address: str = "") -> int:
    """How many sign-ins were refused lately: of this user, from this address, or of this user from there."""
    query = select(func.count()).where(audit.c.event == "sign-in refused", audit.c.time > now() - within)
    for column, value in ((audit.c.who, who), (audit.c.address, address)):
        query = query.where(column == value) if value else query
    with accounts.connect() as connection:
        return int(connection.scalar(query) or 0)
