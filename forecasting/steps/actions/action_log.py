"""The log of actions: `record_action` adds an entry to `actions`, `read_valid_actions` returns those that hold.

An entry has kind, subject, operation (save or withdraw), author, time, reason and payload (JSON), and is never changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from uuid import uuid4

import polars as pl

from forecasting.errors import UserError
from forecasting.steps.session import Session

Operation: TypeAlias = Literal["save", "withdraw"]
LONGEST_SUBJECT = 100


def record_action(
    session: Session, kind: str, subject: str, operation: Operation, reason: str, payload: Mapping[str, Any]
) -> int:
    """Add an entry by the session's user about a subject of a kind; returns its version, 1 for the first one.

    The entry supersedes those with lower versions. Raises UserError without a subject or a reason, and for viewers.
    """
    session.require("planner")
    name, why = subject.strip(), reason.strip()
    if not 1 <= len(name) <= LONGEST_SUBJECT:
        raise UserError(f"{kind}: give a name of 1 to {LONGEST_SUBJECT} characters")
    if not why:
        raise UserError(f"{kind} {name}: give a reason")
    row = {
        "id": uuid4().hex,
        "kind": kind,
        "subject": name,
        "operation": operation,
        "author": session.user,
        "time": datetime.now(UTC),
        "reason": why,
        "payload": json.dumps(payload, sort_keys=True),
    }
    return session.store.append_numbered("actions", row, kind=kind, subject=name)


def read_actions(session: Session, kind: str) -> pl.DataFrame:
    """All entries of a kind, the newest first: the columns of the table `actions`, one row per entry."""
    rows = session.store.scan("actions").filter(pl.col("kind") == kind).collect()
    return rows.sort("time", "version", "subject", descending=True)


def read_valid_actions(session: Session, kind: str) -> pl.DataFrame:
    """The newest entry of each subject of a kind that was not withdrawn, the newest first."""
    newest = pl.col("version") == pl.col("version").max().over("subject")
    return read_actions(session, kind).filter(newest).filter(pl.col("operation") != "withdraw")
