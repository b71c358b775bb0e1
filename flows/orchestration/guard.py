"""A guard inside each flow: `overtaken_by` returns when a newer run of the same deployment was due, or None.

After an outage a worker finds a run for each night that was missed. All of them would do the same, since a run works on
what is there when it starts: the newest does it, and the others end at once, whichever of them comes first.
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
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType

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
        newer = FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[UUID(str(runtime.deployment.id))]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=DOES_THE_WORK)),
            expected_start_time=FlowRunFilterExpectedStartTime(
                after_=mine.expected_start_time, before_=datetime.now(UTC)
            ),
        )
        others = client.read_flow_runs(flow_run_filter=newer)
    same = (run.expected_start_time for run in others if run.parameters == mine.parameters)
    return max((at for at in same if at and at > mine.expected_start_time), default=None)
