"""Alerts: kinds of what can be wrong, and the table that holds one row per cause (see kinds and alert_log)."""

from forecasting.steps.alerts.alert_log import (
    Alert,
    Changes,
    note_delivery,
    note_findings,
    open_alerts,
    read_alerts,
    resolve,
    snooze,
    undelivered,
)
from forecasting.steps.alerts.kinds import EVERYTHING, KINDS, Finding, Kind

__all__ = [
    "EVERYTHING",
    "KINDS",
    "Alert",
    "Changes",
    "Finding",
    "Kind",
    "note_delivery",
    "note_findings",
    "open_alerts",
    "read_alerts",
    "resolve",
    "snooze",
    "undelivered",
]
