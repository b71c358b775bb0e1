"""Which run of a deployment does the work where several are due."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from flows.orchestration import guard

DUE = datetime(2026, 1, 5, 2, tzinfo=UTC)
NEWER = [DUE + timedelta(hours=hours) for hours in (1, 2)]
ID = "00000000-0000-0000-0000-000000000001"


class Client:
    """Of the server: a run that is due at DUE, newer ones, and older ones that were skipped, naming these times."""

    def __init__(self, relied_on: Sequence[datetime]) -> None:
        self.skipped = [SimpleNamespace(state=SimpleNamespace(message=guard.message(at))) for at in relied_on]

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read_flow_run(self, _: object) -> SimpleNamespace:
        return SimpleNamespace(expected_start_time=DUE, parameters={"config": "shop.yaml"})

    def read_flow_runs(self, flow_run_filter, **_: object) -> list[SimpleNamespace]:
        newer = [SimpleNamespace(expected_start_time=at, parameters={"config": "shop.yaml"}) for at in NEWER]
        return self.skipped if flow_run_filter.state.name else newer


@pytest.mark.parametrize(("relied_on", "later"), [([], NEWER[1]), (NEWER, NEWER[1]), ([NEWER[0], DUE], None)])
def test_the_newest_does_the_work_unless_another_has_relied_on_this_one(monkeypatch, relied_on, later):
    ids = SimpleNamespace(id=ID)
    monkeypatch.setattr(guard, "runtime", SimpleNamespace(deployment=ids, flow_run=ids))
    monkeypatch.setattr(guard, "get_client", lambda **_: Client(relied_on))
    assert guard.overtaken_by() == later
