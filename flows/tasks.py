"""What all flows share: the task that runs a step, what is tried again, what a run leaves behind, and its name."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from prefect import runtime, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Failed
from prefect.tasks import Task

from flows import error_hints, summary
from forecasting.config import load
from forecasting.errors import UserError
from forecasting.services import log
from forecasting.steps import run_step

LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def plainly(record: logging.LogRecord) -> bool:
    """A log filter: on a worker Prefect tells a Failed flow's error with its traceback; a user's mistake needs none."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, UserError):
        record.msg, record.args, record.exc_info = error_hints.sentence(error), (), None
    return True


logging.getLogger("prefect.flow_runs").addFilter(plainly)


def chain(steps: Sequence[str], **job: Any) -> list[dict[str, Any]] | State[Any]:
    """Run the steps one after the other and return their records.

    A user's mistake ends the flow in a Failed state that says it; anything else is raised, so that Prefect logs where.
    """
    if not log.LOGGER.handlers:  # on a worker nobody else has set it up
        log.setup()
    records: list[dict[str, Any]] = []
    for name in steps:
        state = _task(name)(name, **job, return_state=True)
        result = state.result(raise_on_failure=False)
        if isinstance(result, UserError):
            return Failed(message=error_hints.sentence(result), data=result)
        records.append(state.result())
    _rename(job["config"], job["overrides"], records)
    return records


def run_name() -> str:
    """`pipeline rossmann 2015-07-31`; a run without a cutoff says latest until it knows."""
    job = runtime.flow_run.parameters
    return f"{runtime.flow_run.flow_name} {_config_name(job['config'])} {job.get('cutoff') or 'latest'}"


def passing(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again may help: input and output recover, mistakes do not; the store sees to commit conflicts."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, LASTING):
        return False
    return isinstance(error, OSError)


@task(
    task_run_name="{name}",
    retries=2,
    retry_delay_seconds=[2, 15],
    retry_condition_fn=passing,
    cache_policy=NO_CACHE,  # the steps know themselves what is already done: they ask the store's versions
    persist_result=False,  # the facts are in the store's table `runs` and in the artifacts
    result_serializer="json",  # where somebody turns it on, let it not be pickle
)
def run(
    name: str,
    config: str,
    overrides: Mapping[str, Any],
    cutoff: date | None,
    force: bool,
    asked: Mapping[str, Any] | None = None,
) -> Any:
    """Run a step and leave its summary; returns {step, facts, reused, seconds}, or a Failed state for a user's mistake.

    A state, because Prefect logs every exception that leaves a task with its traceback.
    """
    started = time.perf_counter()
    try:
        outcome = run_step(name, load(config, overrides), cutoff, force, **(asked or {}))
    except UserError as error:
        return Failed(message=error_hints.sentence(error), data=error)
    record = {"step": outcome.step, "facts": outcome.facts, "reused": outcome.reused}
    record["seconds"] = round(time.perf_counter() - started, 1)
    _leave(record, _config_name(config))
    return record


def _task(name: str) -> Task[..., Any]:
    return run.with_options(name=name)


def _leave(record: Mapping[str, Any], job: str) -> None:
    key = re.sub(r"[^a-z0-9]+", "-", f"{record['step']}-{job}".lower()).strip("-")
    create_markdown_artifact(summary.markdown([record]), key=key, description=f"{record['step']} of {job}")
    scores = record["facts"].get("scores")
    if scores:
        create_table_artifact(scores, key=f"{key}-scores", description=f"scores of {job}")


def _rename(config: str, overrides: Mapping[str, Any] | None, records: Sequence[Mapping[str, Any]]) -> None:
    """Give the run the day that it found to be the last one."""
    found = [r["facts"].get("cutoff") or r["facts"].get("last") for r in records]
    day = next((d for d in reversed(found) if d), None)
    if day and not runtime.flow_run.parameters.get("cutoff"):
        name = f"{runtime.flow_run.flow_name} {_config_name(config)} {day}"
        with get_client(sync_client=True) as client:
            client.update_flow_run(runtime.flow_run.id, name=name)


def _config_name(config: str) -> str:
    return Path(config).stem
