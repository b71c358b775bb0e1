"""The sections about what happens when forecasts go wrong: Monitoring (what is judged), Alerts (who hears of it) and
Retrain (when the job is trained again for it).

Declarations only.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import Field

from forecasting.config.declarations import Section
from forecasting.config.value_types import StrictInt

AlertKind = Literal["damage", "coverage", "bias", "freshness", "failed"]
"""What an alert is about; each has an entry in docs/OPERATIONS.md."""
ALERT_KINDS: tuple[AlertKind, ...] = get_args(AlertKind)
Severity = Literal["info", "warning", "critical"]
Event = Literal["damage", "coverage", "calendar", "recipe"]
"""What a job can be trained again for."""


class Monitoring(Section):
    """What monitor looks at, and from where on it is wrong."""

    tolerance: Annotated[float, Field(ge=0)] = Field(
        default=0.2,
        description="By what share the error of past forecasts may be larger than the backtest made one expect; below "
        "that, or within what chance explains, there is no alert.",
    )
    columns: StrictInt = Field(
        default=20,
        ge=1,
        description="The most columns that the drift report draws, those that have changed most; all are measured.",
    )
    keep: StrictInt = Field(
        default=90, ge=1, description="Days that reports (HTML and JSON) are kept, by the cutoff of their check."
    )


class Alerts(Section):
    """Who is notified when something is wrong, and how."""

    receivers: tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")], ...] = Field(
        default=(),
        description="Notification blocks of the Prefect server that alerts are sent to, as type/name: "
        "slack-webhook/sales, custom-webhook/pager or mail/planning. Addresses and passwords are in the block.",
    )
    owner: str | None = Field(default=None, description="Who cares for this job; every alert names them.")
    link: str | None = Field(
        default=None, pattern=r"^https?://", description="Address of this job's pages, which every alert links to."
    )
    severity: dict[AlertKind, Severity] = Field(
        default_factory=dict,
        description="How grave an alert of a kind is: info (kept, not sent), warning or critical. By default damage "
        "and failed are critical, the others warnings.",
    )
    snooze: dict[AlertKind, date] = Field(
        default_factory=dict, description="Kinds of alerts that are kept and not sent up to and including a day."
    )


class Retrain(Section):
    """When a deployed job is trained again out of turn."""

    on: tuple[Event, ...] = Field(
        default=("damage", "coverage"),
        description="For which events a deployed monitor starts the main job: `damage` (forecasts are worse than "
        "expected), `coverage` (intervals are too narrow), `calendar` (the last training is `every` days old), "
        "`recipe` (the config asks for another recipe than was trained). []: for none.",
    )
    every: StrictInt = Field(default=28, ge=1, description="Days of new data after which the event `calendar` comes.")
    wait: StrictInt = Field(
        default=7, ge=1, description="Days of new data that a training is given before an event starts the next one."
    )
