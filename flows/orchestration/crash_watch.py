"""Runs whose process was killed: `watch_for_crashes(client)` makes the server put them back into the queue.

Runs of deployments send a heartbeat every HEARTBEAT seconds. One that is silent for SILENCE seconds and has not ended
is taken for crashed; a worker that lives says so at once. What has crashed is started again and goes on where it was.
`too_many_starts` tells a flow that something else than a killed worker must be wrong, and `announce_plan` lets the
server follow a run that begins soon after it was planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.events import emit_event
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

TAG = "demandcast"
"""The tag of all our deployments and their runs."""
HEARTBEAT = 30
"""Seconds; Prefect sends none more often."""
SILENCE = 3 * HEARTBEAT
SETTLING = 60
"""Seconds between a crash and the next start: a worker reports a crash twice, the second time some seconds later."""
ENDS = ("Completed", "Failed", "Crashed", "Cancelled", "Skipped")
MOST_STARTS = 3
"""How often a run is started before it fails for good: one that eats all memory would do so again and again."""


def watch_for_crashes(client: SyncPrefectClient) -> None:
    """Create the automations, or bring those that are there up to date."""
    for wanted in _automations():
        known = client.read_automations_by_name(wanted.name)
        if known:
            client.update_automation(known[0].id, wanted)
        else:
            client.create_automation(wanted)


def too_many_starts() -> int | None:
    """How often this run was started, where that is more than MOST_STARTS; None where no deployment started it."""
    if not runtime.deployment.id:
        return None
    with get_client(sync_client=True) as client:
        starts = client.read_flow_run(UUID(str(runtime.flow_run.id))).run_count
    return starts if starts > MOST_STARTS else None


def announce_plan() -> None:
    """Send the event about the planning of this run, which the server's scheduler leaves out.

    The server takes the events of a run in their order: one about a change of state waits for that of the state before,
    where the two are less than five minutes apart. A run that begins so soon, as the first ones after a deployment do,
    would have all its events kept back without the first one, and would not be started again after a crash.
    """
    if not runtime.deployment.id:
        return
    run = UUID(str(runtime.flow_run.id))
    with get_client(sync_client=True) as client:
        if not client.read_flow_run(run).auto_scheduled:
            return
        planned = min(client.read_flow_run_states(run), key=lambda state: state.timestamp)
    resource = {"prefect.resource.id": f"prefect.flow-run.{run}"}
    emit_event(f"prefect.flow-run.{planned.name}", resource, occurred=planned.timestamp, id=planned.id)


def _automations() -> Iterator[AutomationCore]:
    silent = _trigger(
        posture=Posture.Proactive,
        after={"prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{name}" for name in ENDS)},
        within=timedelta(seconds=SILENCE),
    )
    why = f"no heartbeat for {SILENCE} seconds: its worker was killed, or its machine went away"
    crash = ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message=why)
    yield AutomationCore(name=f"{TAG}: silent runs have crashed", trigger=silent, actions=[crash])
    crashed = _trigger(
        posture=Posture.Proactive,
        after={"prefect.flow-run.Crashed"},
        expect={f"prefect.flow-run.{name}" for name in ("AwaitingRetry", "Pending", "Running")},
        within=timedelta(seconds=SETTLING),
    )
    again = ChangeFlowRunState(state=StateType.SCHEDULED, name="AwaitingRetry", message="started again after a crash")
    yield AutomationCore(name=f"{TAG}: crashed runs start again", trigger=crashed, actions=[again])


def _trigger(**given: Any) -> EventTrigger:
    """A trigger by events of each of our runs."""
    ours = {"prefect.resource.id": f"prefect.tag.{TAG}", "prefect.resource.role": "tag"}
    every = {"match": {"prefect.resource.id": "prefect.flow-run.*"}, "for_each": {"prefect.resource.id"}}
    return EventTrigger(**every, match_related=ours, threshold=1, **given)
