"""What a run tells the server at its start, so that it is started again after a crash, and when it gives up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.orchestration import crash_watch, tasks

RUN = UUID(int=7)
DUE = datetime(2026, 1, 5, 2, tzinfo=UTC)
Sent = list[dict[str, Any]]
Runs = Callable[..., Sent]


def state(name: str, seconds: float) -> State[Any]:
    kind = StateType.SCHEDULED if name in ("Scheduled", "Late") else StateType[name.upper()]
    return State(id=uuid4(), type=kind, name=name, timestamp=DUE + timedelta(seconds=seconds))


PLANNED = state("Scheduled", -3600)
STATES = [state("Running", 2), PLANNED, state("Pending", 1), state("Late", 0)]
"""As a server may return them: in no order."""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Makes a run of a deployment; returns the events that it sends."""

    def begin(*, deployment: str | None = "d", **run: Any) -> Sent:
        client = SimpleNamespace(
            read_flow_run=lambda asked: SimpleNamespace(id=asked, **run),
            read_flow_run_states=lambda asked: STATES if asked == RUN else [],
        )
        sent: Sent = []
        monkeypatch.setattr(crash_watch, "get_client", lambda **_: _Opened(client))
        monkeypatch.setattr(
            crash_watch,
            "runtime",
            SimpleNamespace(deployment=SimpleNamespace(id=deployment), flow_run=SimpleNamespace(id=str(RUN))),
        )
        monkeypatch.setattr(
            crash_watch,
            "emit_event",
            lambda event, resource, **more: sent.append({"event": event, "resource": resource} | more),
        )
        return sent

    return begin


class _Opened:
    def __init__(self, client: object) -> None:
        self.client = client

    def __enter__(self) -> object:
        return self.client

    def __exit__(self, *_: object) -> None:
        pass


def test_a_planned_run_sends_the_event_of_its_first_state_once_more(runs: Runs) -> None:
    """Its id is that of the state, which the event of the next state names as the one that it follows."""
    sent = runs(auto_scheduled=True)
    crash_watch.announce_plan()
    assert sent == [
        {
            "event": "prefect.flow-run.Scheduled",
            "resource": {"prefect.resource.id": f"prefect.flow-run.{RUN}"},
            "occurred": PLANNED.timestamp,
            "id": PLANNED.id,
        }
    ]


def test_a_run_that_somebody_has_started_sends_nothing(runs: Runs) -> None:
    """The server has sent that event itself, or there is no server that watches."""
    sent = runs(auto_scheduled=False)
    crash_watch.announce_plan()
    assert sent == []
    sent = runs(deployment=None)
    crash_watch.announce_plan()
    assert sent == []


@pytest.mark.parametrize(("starts", "said"), [(1, None), (3, None), (4, 4)])
def test_a_run_that_is_killed_again_and_again_is_given_up(runs: Runs, starts: int, said: int | None) -> None:
    runs(run_count=starts)
    assert crash_watch.too_many_starts() == said
    runs(deployment=None, run_count=9)
    assert crash_watch.too_many_starts() is None


def test_the_plan_is_announced_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that a newer one overtakes, or that is given up, is watched until then as well."""
    done: list[str] = []
    monkeypatch.setattr(tasks, "announce_plan", lambda: done.append("announced"))
    monkeypatch.setattr(tasks.guard, "overtaken_by", lambda: done.append("asked") or DUE)
    ended = tasks.run_steps(["ingest"], config="shop.yaml")
    assert done == ["announced", "asked"]
    assert ended.name == tasks.guard.SKIPPED
    monkeypatch.setattr(tasks.guard, "overtaken_by", lambda: None)
    monkeypatch.setattr(tasks, "too_many_starts", lambda: 4)
    assert tasks.run_steps(["ingest"], config="shop.yaml").message.startswith("started 4 times")
