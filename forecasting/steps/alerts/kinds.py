"""Kinds of alerts, KINDS {kind: Kind}: how each is called and how grave it is unless the config says otherwise.

A Finding is that something is wrong now: its kind, its subject (what it is about) and a sentence. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forecasting.config.sections import AlertKind, Severity

EVERYTHING = "all"
"""The subject of a finding about the job as a whole."""


@dataclass(frozen=True)
class Kind:
    """A kind of alert: its title, and how grave it is by default."""

    title: str
    severity: Severity


KINDS: Mapping[AlertKind, Kind] = {
    "damage": Kind("Forecasts are worse than expected", "critical"),
    "coverage": Kind("Intervals are too narrow", "warning"),
    "bias": Kind("Forecasts are off to one side", "warning"),
    "freshness": Kind("The newest sales are too old", "warning"),
    "failed": Kind("A step has failed", "critical"),
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now: `subject` is what it is about (a segment, a step, or all), `message` says it."""

    kind: AlertKind
    subject: str
    message: str
