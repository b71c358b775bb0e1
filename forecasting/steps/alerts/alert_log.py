"""Alerts, one per cause: `note_findings` takes what is wrong now and opens, keeps or closes rows of the table `alerts`.

A cause is a kind and a subject. While its alert is open the cause is not reported again; once it is gone the alert is
closed (`resolve` does so for one cause), and a later return opens another one. `snooze` keeps an alert from being sent
up to a day, `undelivered` returns those that receivers have not been sent yet, `note_delivery` that one was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import AlertKind
from forecasting.errors import Option, UserError
from forecasting.services.store import Store
from forecasting.steps.alerts.kinds import KINDS, Finding

Alert = dict[str, Any]
"""One row of the table `alerts`."""


@dataclass(frozen=True)
class Changes:
    """What has become of alerts: those that are new, and those whose cause is gone."""

    opened: list[Alert]
    closed: list[Alert]


def read_alerts(store: Store) -> pl.DataFrame:
    """All alerts, the newest first."""
    return store.scan("alerts").collect().sort("opened_at", "id", descending=True)


def open_alerts(store: Store) -> pl.DataFrame:
    """The alerts whose cause is not gone, the newest first."""
    return read_alerts(store).filter(pl.col("closed_at").is_null())


def note_findings(
    config: Config, store: Store, looked_for: Collection[AlertKind], findings: Sequence[Finding], cutoff: date | None
) -> Changes:
    """Open an alert for each finding that has none open, and close the open ones of kinds `looked_for` without any."""
    now, known = datetime.now(UTC), read_alerts(store)
    open_rows = {(row["kind"], row["subject"]): row for row in _rows(known.filter(pl.col("closed_at").is_null()))}
    found = {(f.kind, f.subject): f for f in findings}
    opened = [_new_alert(config, f, known, cutoff, now) for key, f in found.items() if key not in open_rows]
    seen = [
        row | {"message": found[key].message, "seen_at": now, "seen": row["seen"] + 1, "cutoff": cutoff}
        for key, row in open_rows.items()
        if key in found and (row["message"], row["cutoff"]) != (found[key].message, cutoff)
    ]
    closed = [
        row | {"closed_at": now} for key, row in open_rows.items() if key not in found and row["kind"] in looked_for
    ]
    _write(store, [*opened, *seen, *closed])
    return Changes(opened, closed)


def resolve(store: Store, kind: AlertKind, subject: str) -> None:
    """Close the open alert of this cause, where there is one."""
    of_cause = pl.col("kind") == kind, pl.col("subject") == subject
    _write(store, [row | {"closed_at": datetime.now(UTC)} for row in _rows(open_alerts(store).filter(*of_cause))])


def snooze(store: Store, alert: str, until: date) -> Alert:
    """Keep an open alert from being sent up to and including a day; raises UserError where there is no such alert."""
    row = next((row for row in _rows(open_alerts(store)) if row["id"] == alert), None)
    if row is None:
        ids = ", ".join(open_alerts(store)["id"]) or "none"
        raise UserError(f"there is no open alert {alert} (open: {ids})", where=Option("id", alert))
    _write(store, [row | {"snoozed_until": until}])
    return row


def undelivered(config: Config, store: Store, today: date) -> list[tuple[str, list[Alert]]]:
    """Per receiver of the config the open alerts that it is still to be sent, the oldest first.

    An alert of severity info is kept and never sent; one that is snoozed, by itself or with its kind, waits.
    """
    waiting = [row for row in _rows(open_alerts(store).reverse()) if _is_to_be_sent(config, row, today)]
    by_receiver = {
        receiver: [row for row in waiting if receiver not in json.loads(row["delivered"])]
        for receiver in config.alerts.receivers
    }
    return [(receiver, rows) for receiver, rows in by_receiver.items() if rows]


def note_delivery(store: Store, alerts: Iterable[Alert], receiver: str) -> None:
    """Note that a receiver was sent these alerts."""
    now, ids = datetime.now(UTC).isoformat(timespec="seconds"), [alert["id"] for alert in alerts]
    rows = _rows(store.scan("alerts").filter(pl.col("id").is_in(ids)).collect())
    noted = [row | {"delivered": json.dumps(json.loads(row["delivered"]) | {receiver: now})} for row in rows]
    _write(store, noted)


def _new_alert(config: Config, finding: Finding, known: pl.DataFrame, cutoff: date | None, now: datetime) -> Alert:
    before = known.filter(pl.col("kind") == finding.kind, pl.col("subject") == finding.subject).height
    text = f"{finding.kind} {finding.subject} {before}"  # two runs at once make the same alert
    return {
        "id": hashlib.sha256(text.encode()).hexdigest()[:8],
        "kind": finding.kind,
        "subject": finding.subject,
        "severity": config.alerts.severity.get(finding.kind, KINDS[finding.kind].severity),
        "message": finding.message,
        "owner": config.alerts.owner,
        "link": config.alerts.link,
        "cutoff": cutoff,
        "opened_at": now,
        "seen_at": now,
        "seen": 1,
        "closed_at": None,
        "snoozed_until": None,
        "delivered": "{}",
    }


def _is_to_be_sent(config: Config, row: Alert, today: date) -> bool:
    until = [row["snoozed_until"], config.alerts.snooze.get(row["kind"])]
    return row["severity"] != "info" and not any(day is not None and today <= day for day in until)


def _rows(frame: pl.DataFrame) -> list[Alert]:
    return frame.to_dicts()


def _write(store: Store, rows: Sequence[Alert]) -> None:
    if rows:
        store.upsert("alerts", pl.DataFrame(rows, schema=store.tables["alerts"].schema))
