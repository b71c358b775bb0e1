"""A guard inside each flow: `overtaken_by` returns when a newer run of the same deployment was due, or None.

After an outage a worker finds a run for each night that was missed. All of them would do the same, since a run works on
what is there when it starts: the newest does it, and the others end at once, whichever of them comes first. A run that
another has relied on does the work although newer ones have come due meanwhile: where runs come faster than a worker
can start them, each would else leave it to the next for ever.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

SKIPPED = "Skipped"
"""Name of the state in which a run ends that another makes superfluous."""
DOES_THE_WORK = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.COMPLETED]
"""States of a newer run that will do, does or has done the work; one that has failed has not."""


def overtaken_by() -> datetime | None:
    """The time for which the newest run of this deployment with the same parameters was planned, where that is later
    than this run's own and has come; None for a run that no deployment has started.
    """
    if not runtime.deployment.id:
        return None
    with get_client(sync_client=True) as client:
        mine = client.read_flow_run(UUID(str(runtime.flow_run.id)))
        if mine.expected_start_time is None:
            return None
        newer = _runs(FlowRunFilterState(type=FlowRunFilterStateType(any_=DOES_THE_WORK)))
        newer.expected_start_time = FlowRunFilterExpectedStartTime(
            after_=mine.expected_start_time, before_=datetime.now(UTC)
        )
        skipped = _runs(FlowRunFilterState(name=FlowRunFilterStateName(any_=[SKIPPED])))
        skipped.expected_start_time = FlowRunFilterExpectedStartTime(before_=mine.expected_start_time)
        others = client.read_flow_runs(flow_run_filter=newer)
        latest = client.read_flow_runs(flow_run_filter=skipped, sort=FlowRunSort.EXPECTED_START_TIME_DESC)
    relied_on = any(run.state and run.state.message == message(mine.expected_start_time) for run in latest)
    same = (run.expected_start_time for run in others if run.parameters == mine.parameters and not relied_on)
    return max((at for at in same if at and at > mine.expected_start_time), default=None)


def message(later: datetime) -> str:
    """Why a run is skipped that the run due at `later` overtakes."""
    return f"the run that was due at {later:%Y-%m-%d %H:%M} UTC does this work"


def _runs(state: FlowRunFilterState) -> FlowRunFilter:
    """Runs of this deployment in such a state."""
    deployment = FlowRunFilterDeploymentId(any_=[UUID(str(runtime.deployment.id))])
    return FlowRunFilter(deployment_id=deployment, state=state)
