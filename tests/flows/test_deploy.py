"""Jobs of a folder on a real Prefect server: deployments, and what a worker does after an outage."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.orchestration import deploy
from forecasting.config import load
from forecasting.errors import UserError
from forecasting.services.store.draft import exclusive_load
from forecasting.steps.registry import STEPS
from tests import prefect_server
from tests.flows.conftest import JOB
from tests.prefect_server import QUICK, Api, demandcast
from tests.servers import free_port

CRON = {"timezone": "Europe/Berlin", "cron": {"ingest": "30 1 * * 1-6", "tune": None}}


def written(folder: Path, name: str, **sections: Any) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(JOB | {"name": name, "store": {"root": "lake"}} | sections))
    return file


@pytest.mark.parametrize(
    ("schedules", "says"),
    [
        ({"cron": {"ingets": "0 2 * * *"}}, r"schedules\.cron.*there is no step ingets: name one of .*ingest"),
        ({"hours": {"pipeline": 3}}, r"schedules\.hours.*there is no step pipeline: name one of ingest"),
        ({"cron": {"ingest": "at night"}}, r"schedules\.cron\.ingest.*'at night' is no cron: five fields"),
    ],
)
def test_a_schedule_that_cannot_be_is_told_before_anything_is_deployed(tmp_path, monkeypatch, schedules, says):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    file = written(tmp_path, "shop", schedules=schedules)
    with pytest.raises(UserError, match=says):
        deploy.deploy({file: load(file)}, {})


def test_a_time_zone_that_nobody_knows_is_told(tmp_path):
    file = written(tmp_path, "shop", schedules={"timezone": "Middle/Earth"})
    with pytest.raises(UserError, match=r"schedules\.timezone.*is no time zone"):
        load(file)


def test_two_jobs_of_one_name_are_told(tmp_path):
    one, other = written(tmp_path, "shop"), tmp_path / "copy.yaml"
    other.write_text(one.read_text())
    with pytest.raises(UserError, match=r"has the name shop already"):
        deploy.deploy({one: load(one), other: load(other)}, {})


def test_without_a_server_of_one_s_own_nothing_is_deployed(tmp_path):
    file = written(tmp_path, "shop")
    with pytest.raises(UserError, match=r"PREFECT_API_URL.*prefect server start"):
        deploy.deploy({file: load(file)}, {})


def test_a_scheduled_pipeline_takes_the_place_of_its_steps(tmp_path):
    file = written(tmp_path, "shop", schedules={"cron": {"pipeline": "0 3 * * *", "backtest": "0 9 * * 0"}})
    made = deploy._deployments(file, load(file), {})
    planned = {d.flow_name: deploy._schedule_text(d) for d in made}
    assert {name for name, schedule in planned.items() if schedule} == {"pipeline", "backtest", "maintain"}
    assert planned["pipeline"] == "0 3 * * * UTC"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server of these tests, with a database of its own."""
    with prefect_server.server(free_port(), tmp_path_factory.mktemp("prefect")) as api:
        yield api


@pytest.mark.system
def test_jobs_are_deployed_with_their_schedules_and_again_updated(api, tmp_path):
    written(tmp_path, "shop", schedules=CRON)
    written(tmp_path, "kiosk")
    said = demandcast(api, tmp_path, "deploy", "shop.yaml", "kiosk.yaml", "--set", "h=7")
    assert f"{2 * (len(STEPS) + 1)} deployments" in said
    made = api.deployments()
    assert set(made) == {f"{job}/{flow}" for job in ("shop", "kiosk") for flow in (*STEPS, "pipeline")}
    ingest = made["shop/ingest"]
    assert ingest["parameters"] == {"config": str(tmp_path / "shop.yaml"), "overrides": {"h": 7}}
    assert (ingest["tags"], ingest["work_pool_name"]) == (["demandcast", "shop"], "demandcast")
    assert ingest["job_variables"]["working_dir"] == str(tmp_path)
    assert ingest["global_concurrency_limit"]["limit"] == 1
    schedule = ingest["schedules"][0]["schedule"]
    assert (schedule["cron"], schedule["timezone"]) == ("30 1 * * 1-6", "Europe/Berlin")
    assert made["kiosk/predict"]["schedules"][0]["schedule"]["cron"] == STEPS["predict"].schedule
    watched = [automation["name"] for automation in api.post("automations/filter")]
    assert sorted(watched) == ["demandcast: crashed runs start again", "demandcast: silent runs have crashed"]
    assert made["shop/tune"]["schedules"] == made["shop/pipeline"]["schedules"] == []
    written(tmp_path, "shop", schedules={"cron": {"ingest": "0 5 * * *"}})
    demandcast(api, tmp_path, "deploy", "shop.yaml")
    again = api.deployments()
    assert {name: d["id"] for name, d in again.items()} == {name: d["id"] for name, d in made.items()}
    assert [s["schedule"]["cron"] for s in again["shop/ingest"]["schedules"]] == ["0 5 * * *"]


@pytest.mark.system
def test_after_an_outage_the_newest_run_does_the_work_of_all(api, tmp_path):
    """Two nights were missed, and a run of another cutoff was asked for: that and the newest work, one ends at once."""
    written(tmp_path, "late")
    demandcast(api, tmp_path, "deploy", "late.yaml")
    ingest, now = api.deployments()["late/ingest"]["id"], datetime.now(UTC)
    late = {}
    for hours, more in ((48, {}), (24, {}), (60, {"cutoff": "2024-06-30"})):
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": str(now - timedelta(hours=hours))}}
        late[hours] = api.post(f"deployments/{ingest}/create_flow_run", state=state, parameters=more)["id"]
    with prefect_server.worker(api, tmp_path):
        runs = api.finished(late.values())
    ended = {hours: runs[run]["state"] for hours, run in late.items()}
    assert {hours: state["name"] for hours, state in ended.items()} == {48: "Skipped", 24: "Completed", 60: "Completed"}
    due = now - timedelta(hours=24)
    assert ended[48]["message"] == f"the run that was due at {due:%Y-%m-%d %H:%M} UTC does this work"
    assert (tmp_path / "lake" / "late" / "panel").is_dir(), "runs work in the folder of the deployment"


@pytest.mark.system
@pytest.mark.slow
def test_a_run_whose_process_is_killed_is_started_again(api, tmp_path):
    """Once. Another load holds the lock until the kill, so that no machine is too fast for it to hit a running run."""
    written(tmp_path, "killed")
    demandcast(api, tmp_path, "deploy", "killed.yaml", main=QUICK)
    run = api.post(f"deployments/{api.deployments()['killed/ingest']['id']}/create_flow_run")["id"]
    with prefect_server.worker(api, tmp_path, start_new_session=True):
        with exclusive_load(str(tmp_path / "lake" / "killed")):
            kill_when_it_beats(api, run)
        ended = api.finished([run], ["COMPLETED", "FAILED"])[run]
    assert (ended["state"]["type"], ended["state"]["name"]) == ("COMPLETED", "Completed")
    assert ended["run_count"] == 2
    assert (tmp_path / "lake" / "killed" / "panel").is_dir()


def kill_when_it_beats(api: Api, run: str) -> None:
    """SIGKILL to the process of a run once the server has heard of it."""
    beats = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": {"id": [f"prefect.flow-run.{run}"]}}
    for _ in range(600):
        if api.post("events/filter", filter=beats)["events"]:
            break
        time.sleep(0.1)
    found = api.runs([run])[run]
    assert found["state"]["type"] == "RUNNING"
    os.kill(int(found["infrastructure_pid"].rpartition(":")[2]), signal.SIGKILL)
