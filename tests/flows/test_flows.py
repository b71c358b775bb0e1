"""The flows under a real Prefect server: the same as the steps, twice without a trace, and plain about mistakes."""

import inspect
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint
from prefect.states import Failed
from sqlalchemy.exc import OperationalError

from flows.orchestration import crash_watch, prefect_yaml, tasks
from flows.orchestration.deployments import FLOWS
from forecasting.config import Config, load
from forecasting.errors import UserError
from forecasting.io.database import ConnectionFailed, QueryFailed, run_query
from forecasting.steps import run_step
from forecasting.steps.ingestion import load_state
from forecasting.steps.registry import PIPELINE, STEPS, Outcome
from forecasting.steps.session import open_session
from tests.conftest import ROOT
from tests.servers import free_port

Make = Callable[..., Path]
NOW = ("run_at", "published_at", "first_seen", "version", "key", "run_id")  # what a clock or a counter gave


def test_the_second_run_does_nothing(piped: SimpleNamespace) -> None:
    before, after = piped.versions
    assert before == after
    assert before["panel"] is not None
    assert before["forecasts"] is not None
    assert [r["step"] for r in piped.second] == list(PIPELINE)
    assert all(r["reused"] for r in piped.second)
    assert [r["facts"].get("scores") for r in piped.second] == [r["facts"].get("scores") for r in piped.first]


def test_records_are_plain_json(piped: SimpleNamespace) -> None:
    assert json.loads(json.dumps(piped.first, allow_nan=False)) == piped.first


def test_the_pipeline_does_what_the_steps_do(piped: SimpleNamespace, make_job: Make) -> None:
    """Row for row, in every table: Prefect adds nothing to the numbers."""
    config = load(make_job())
    for name in PIPELINE:
        run_step(name, config)
    for table in ("panel", "series", "groups", "backtests", "scores", "forecasts", "vintages"):
        ours, theirs = (contents(c, table) for c in (config, piped.config))
        assert ours.height > 0, table
        # sums are added up in no fixed order, so the last digit may differ
        assert_frame_equal(ours, theirs, rel_tol=1e-12, abs_tol=1e-12)


def contents(config: Config, table: str) -> pl.DataFrame:
    store = open_session(config).store
    frame = store.scan(table).collect().sort(store.tables[table].key)
    return frame.drop([c for c in NOW if c in frame.columns])


def test_runs_are_named_after_step_job_and_last_day(piped: SimpleNamespace) -> None:
    day = next(r["facts"]["cutoff"] for r in piped.first if r["step"] == "predict")
    names = FlowRunFilter(name=FlowRunFilterName(any_=[f"pipeline tiny {day}"]))
    assert len(found(names)) == 2


def found(where: FlowRunFilter) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=where)


def test_a_run_leaves_its_summary_and_its_scores(piped: SimpleNamespace) -> None:
    with get_client(sync_client=True) as client:
        artifacts = {a.key: a for a in client.read_artifacts()}
    assert {f"{step}-tiny" for step in PIPELINE} <= set(artifacts)
    lines = piped.first[0]["facts"]["lines"]
    assert f"{lines:,} lines in" in artifacts["ingest-tiny"].data
    scores = next(r["facts"]["scores"] for r in piped.first if r["step"] == "backtest")
    assert json.loads(artifacts["backtest-tiny-scores"].data) == scores


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What Prefect logs about runs; its loggers do not hand on to the root."""
    loggers = [logging.getLogger(f"prefect.{kind}") for kind in ("flow_runs", "task_runs")]
    for logger in loggers:
        logger.addHandler(caplog.handler)
    yield caplog
    for logger in loggers:
        logger.removeHandler(caplog.handler)


def test_a_user_s_mistake_is_a_failed_state_with_its_sentence(
    harness: None, make_job: Make, told: pytest.LogCaptureFixture
) -> None:
    file = make_job(source={"kind": "table", "path": "nowhere.csv"})
    state = FLOWS["ingest"](str(file), return_state=True)
    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), UserError)
    assert "nowhere.csv" in state.message
    assert any("nowhere.csv" in record.getMessage() for record in told.records)
    assert [record.getMessage() for record in told.records if record.exc_info] == []


@pytest.mark.parametrize(("error", "traced"), [(UserError("mend it"), False), (ValueError("odd"), True)])
def test_a_worker_s_log_traces_only_what_nobody_expected(error: Exception, traced: bool) -> None:
    record = logging.LogRecord("prefect.flow_runs", logging.ERROR, "", 1, "exited", (), (type(error), error, None))
    assert tasks.without_traceback_of_user_errors(record)
    assert bool(record.exc_info) is traced
    assert record.getMessage() == ("exited" if traced else "mend it")


def test_what_passes_is_tried_again(harness: None, make_job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def flaky(name: str, *_: Any) -> Outcome:
        calls.append(name)
        if len(calls) == 1:
            raise ConnectionResetError("the bucket went away")
        return Outcome(name, {**ACCOUNT, "last": "2025-01-31"}, reused=False)

    monkeypatch.setattr(tasks, "run_step", flaky)
    monkeypatch.setattr(tasks, "run", tasks.run.with_options(retry_delay_seconds=[0]))
    records = FLOWS["ingest"](str(make_job()))
    assert calls == ["ingest", "ingest"]
    assert records[0]["facts"]["last"] == "2025-01-31"


def test_a_deployed_job_asks_again_where_its_database_was_away_for_a_moment(
    harness: None, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as a mistake of the user, as it would be if the database stayed away."""
    calls = []

    def flaky(name: str, *rest: Any) -> Outcome:
        calls.append(name)
        if len(calls) == 1:
            raise UserError("the database cannot be reached") from ConnectionError()
        return run_step(name, *rest)

    monkeypatch.setattr(tasks, "run_step", flaky)
    monkeypatch.setattr(tasks, "run", tasks.run.with_options(retry_delay_seconds=[0]))
    state: State[Any] = FLOWS["ingest"](job := str(make_job()), return_state=True)
    assert (state.is_failed(), calls) == (True, ["ingest"]), "who types a command is told at once"
    calls.clear()
    monkeypatch.setattr(tasks.runtime, "deployment", SimpleNamespace(id="deployment"))
    monkeypatch.setattr(tasks.guard, "overtaken_by", lambda: None)
    for name in ("announce_plan", "too_many_starts"):
        monkeypatch.setattr(tasks, name, lambda: None)
    (record,) = FLOWS["ingest"](job)
    assert calls == ["ingest", "ingest"]
    assert not record["reused"]


ACCOUNT: dict[str, Any] = {
    "lines": 1, "aggregated": 1, "quarantined": 0, "quarantined_by_rule": {}, "duplicates": 0, "dropped": {}, "keys": 1,
    "observed": 1, "filled": 0, "series": 1, "first": "2025-01-01", "data_version": 0, "rows_written": 1,
}  # fmt: skip


def raised(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (OSError("Generic S3 error"), True),
        (FileNotFoundError(), False),
        (PermissionError(), False),
        (ValueError(), False),
        (UserError("mend it"), False),
        (raised(RuntimeError("503"), ConnectionResetError()), True),
        (raised(RuntimeError("no tracking"), OperationalError("SELECT 1", {}, ValueError())), True),
        (raised(OSError("no table"), FileNotFoundError()), False),
        (raised(UserError("the database is away"), ConnectionError()), True),
        (raised(UserError("no folder"), PermissionError()), False),
    ],
)
def test_what_is_tried_again(monkeypatch: pytest.MonkeyPatch, error: Exception, again: bool) -> None:
    """Of a deployed job; who types a command and has made a mistake is told at once."""
    monkeypatch.setattr(tasks, "runtime", SimpleNamespace(deployment=SimpleNamespace(id="d")))
    assert tasks.may_recover(tasks.run, None, Failed(data=error)) is again
    monkeypatch.setattr(tasks, "runtime", SimpleNamespace(deployment=SimpleNamespace(id=None)))
    at_once = tasks.may_recover(tasks.run, None, Failed(data=error))
    assert at_once is (again and not isinstance(error, UserError))


def test_a_database_that_is_away_is_asked_again_and_a_wrong_query_is_not(tmp_path: Path) -> None:
    """As the source tells it."""
    (empty := tmp_path / "empty.db").touch()
    for url, query, away in (
        (f"postgresql://nobody@127.0.0.1:{free_port()}/none", "SELECT 1", True),
        (f"sqlite:///{empty}", "SELECT ", False),
    ):
        with pytest.raises((ConnectionFailed, QueryFailed)) as told:
            run_query(url, query, {})
        found = any(isinstance(cause, ConnectionError) for cause in tasks._causes(told.value))
        assert found is away, query


def test_an_unexpected_error_comes_out_as_it_is(harness: None, make_job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Outcome:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(tasks, "run_step", broken)
    state: State[Any] = FLOWS["ingest"](str(make_job()), return_state=True)
    assert isinstance(state.result(raise_on_failure=False), ZeroDivisionError)


def test_a_run_beyond_its_hours_fails_nobody_sees_half_of_it_and_the_next_goes_on(
    harness: None, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of deployed jobs: all rows are written, then it hangs."""
    job = make_job(schedules={"hours": {"ingest": 2 / 3600}})
    more = {"source.options.days": 420}
    FLOWS["ingest"](str(job))
    before = stored(job, "panel")
    with monkeypatch.context() as patch:
        patch.setattr(tasks.runtime, "deployment", SimpleNamespace(id="deployment"))
        patch.setattr(tasks.guard, "overtaken_by", lambda: None)
        patch.setattr(tasks, "announce_plan", lambda: None)
        patch.setattr(tasks, "too_many_starts", lambda: None)
        patch.setattr(load_state, "publish_load", hang)
        state: State[Any] = FLOWS["ingest"](str(job), more, return_state=True)
    assert state.is_failed()
    told = "schedules.hours.ingest: ingest has taken 0.000555556 hours and was stopped; nothing half done is published"
    assert told in state.message
    assert list(stored(job, "alerts")["kind"]) == ["failed"]
    assert_frame_equal(stored(job, "panel"), before, check_row_order=False)
    (record,) = FLOWS["ingest"](str(job), more)
    assert not record["reused"]
    after = stored(job, "panel").filter(pl.col("flag") != "ahead")
    assert after["ds"].n_unique() == 420


def hang(*_: Any) -> None:
    """In short waits, as pytest has taken the alarm that would interrupt a long one."""
    for _ in range(6000):
        time.sleep(0.01)


def stored(job: Path, table: str) -> pl.DataFrame:
    """What one who opens the job now sees of a table."""
    return open_session(load(job)).store.scan(table).collect()


DEPLOYED = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def test_every_flow_is_deployed_under_its_name() -> None:
    assert [d["name"] for d in DEPLOYED] == [*STEPS, "pipeline"]
    assert set(FLOWS) == {*STEPS, "pipeline"}


def test_prefect_yaml_is_made_from_the_registry() -> None:
    assert prefect_yaml.FILE.read_text() == prefect_yaml.prefect_yaml(), (
        "run: python -m flows.orchestration.prefect_yaml"
    )


@pytest.mark.parametrize("deployment", DEPLOYED, ids=lambda d: d["name"])
def test_deployments_fit_their_flows(deployment: dict[str, Any]) -> None:
    file, function = deployment["entrypoint"].split(":")
    loaded = load_flow_from_entrypoint(f"{ROOT / file}:{function}")
    assert loaded.name == deployment["name"] == function
    options = ["options"] if (step := STEPS.get(deployment["name"])) and step.options else []
    assert list(inspect.signature(loaded.fn).parameters) == ["config", "overrides", "cutoff", "force", *options]
    assert (ROOT / deployment["parameters"]["config"]).exists()
    for schedule in deployment["schedules"]:
        assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    assert deployment["work_pool"]["name"]
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert deployment["tags"] == [crash_watch.TAG], "by which runs of killed workers are found"
    heartbeat = deployment["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
    assert heartbeat == str(crash_watch.HEARTBEAT)
