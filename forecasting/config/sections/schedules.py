"""Schedules: when the steps of a job run once it is deployed on a server; steps that are not named keep their default.

Declarations only.
"""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, PositiveFloat

from forecasting.config.declarations import Section


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone: give a name such as Europe/Berlin or UTC") from error
    return name


class Schedules(Section):
    """When the steps of a deployed job run."""

    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="UTC", description="The time zone of the schedules, like Europe/Berlin."
    )
    cron: dict[str, str | None] = Field(
        default_factory=dict,
        description="Step (or `pipeline`, all of the main job): when it runs as cron, '30 2 * * 1-6' say; null: only "
        "when started by hand. Steps that are not named run as in `prefect.yaml`.",
    )
    hours: dict[str, PositiveFloat] = Field(
        default_factory=dict,
        description="Step: hours after which a run of it is stopped, as it may hang; the next run goes on where it "
        "stopped. Steps that are not named have the hours of docs/OPERATIONS.md.",
    )
