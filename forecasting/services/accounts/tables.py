"""The tables of the database of accounts: users, keys, sessions, sign-ins that are under way elsewhere, the audit log.

Times are UTC without a zone. `digest(token)` is what is stored of a secret that is itself long and random.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, MetaData, String, Table

FORMAT = 1
"""Number of these tables; it goes up with every change that an older program would misread."""
METADATA = MetaData()
LONG = 1000

formats = Table("access_formats", METADATA, Column("format", Integer, primary_key=True, autoincrement=False))
users = Table(
    "access_users",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("password", String(LONG)),  # null: signs in elsewhere
    Column("subject", String(LONG), unique=True),  # null: signs in here
    Column("created", DateTime, nullable=False),
)
keys = Table(
    "access_keys",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created", DateTime, nullable=False),
    Column("expires", DateTime),
    Column("used", DateTime),
)
sessions = Table(
    "access_sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("user_id", Integer, ForeignKey("access_users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created", DateTime, nullable=False),
    Column("expires", DateTime, nullable=False),
)
pending = Table(
    "access_pending",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("payload", String(4 * LONG), nullable=False),
    Column("expires", DateTime, nullable=False),
)
audit = Table(
    "access_audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("time", DateTime, nullable=False, index=True),
    Column("event", String(40), nullable=False),
    Column("who", String(200), nullable=False),
    Column("method", String(10), nullable=False),
    Column("route", String(LONG), nullable=False),
    Column("object", String(LONG), nullable=False),
    Column("status", Integer),
    Column("address", String(100), nullable=False),
    Index("access_audit_attempts", "event", "time"),
)


def now() -> datetime:
    """The time, UTC, as it is stored."""
    return datetime.now(UTC).replace(tzinfo=None)


def digest(token: str) -> str:
    """What is stored of a token: enough to recognise it, and not to use it."""
    return hashlib.sha256(token.encode()).hexdigest()
