"""What all flows share: `run_steps(steps, **job)` runs steps by name and returns a record of each, or a Failed state.

`job` is config (path), overrides, cutoff, force and perhaps options; a record is {step, facts, reused, seconds}, where
facts are what the step recorded of its run. `run` is the Prefect task of one step; it also publishes artifacts.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from prefect import runtime, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed, Failed
from prefect.tasks import Task

from flows import error_hints, summary
from flows.orchestration import guard
from flows.orchestration.crash_watch import announce_plan, too_many_starts
from flows.orchestration.reactions import note_failure, react
from flows.orchestration.time_limit import time_limit
from forecasting.config import load
from forecasting.errors import UserError
from forecasting.io.database import may_pass
from forecasting.services import log
from forecasting.services.traces import span
from forecasting.steps import run_step

PERMANENT = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def without_traceback_of_user_errors(record: logging.LogRecord) -> bool:
    """A log filter: a worker logs the error of a failed flow with its traceback; a mistake of the user needs none."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, UserError):
        record.msg, record.args, record.exc_info = error_hints.sentence(error), (), None
    return True


logging.getLogger("prefect.flow_runs").addFilter(without_traceback_of_user_errors)


def run_steps(steps: Sequence[str], **job: Any) -> list[dict[str, Any]] | State[Any]:
    """Run the steps one after the other and return their records; nothing where a newer run does so (see guard).

    A mistake of the user ends the flow in a Failed state with its message; anything else is raised, so that Prefect
    logs where it happened. At the end receivers are sent alerts; a run that cannot do so fails, and the next tries.
    """
    announce_plan()
    if later := guard.overtaken_by():
        return Completed(name=guard.SKIPPED, message=guard.message(later))
    if starts := too_many_starts():
        return Failed(message=f"started {starts} times, and killed each time: look at the memory of its machine")
    if not log.LOGGER.handlers:  # on a worker nobody else has set it up
        log.setup()
    with log.context(flow_run_id=str(runtime.flow_run.id), job=_config_name(job["config"])):
        return _in_order(steps, job)


def _in_order(steps: Sequence[str], job: Mapping[str, Any]) -> list[dict[str, Any]] | State[Any]:
    records: list[dict[str, Any]] = []
    for name in steps:
        state = _task(name)(name, **job, return_state=True)
        result = state.result(raise_on_failure=False)
        if isinstance(result, Exception):
            note_failure(job["config"], job["overrides"], name, error_hints.failure(result))
        if isinstance(result, UserError):
            return Failed(message=error_hints.sentence(result), data=result)
        records.append(state.result())
    _rename_run(job["config"], records)
    if problems := react(job["config"], job["overrides"], records):
        return Failed(message="; ".join(problems), data=UserError("; ".join(problems)))
    return records


def run_name() -> str:
    """`pipeline rossmann 2015-07-31`; a run without a cutoff is called latest until it has found its last day."""
    job = runtime.flow_run.parameters
    return f"{runtime.flow_run.flow_name} {_config_name(job['config'])} {job.get('cutoff') or 'latest'}"


def may_recover(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a retry may help: input and output recover, mistakes do not; the store handles commit conflicts.

    A database or a server that is away is reported as a mistake of the user, with its cause; who types a
    command sees it at once.
    """
    error = state.result(raise_on_failure=False)
    if isinstance(error, UserError) and not runtime.deployment.id:
        return False
    causes = list(_causes(error))
    passing = any(isinstance(cause, OSError) or may_pass(cause) for cause in causes)
    return passing and not any(isinstance(cause, PERMANENT) for cause in causes)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on; an error that was met on the way is none where that is said."""
    while isinstance(error, BaseException):
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@task(
    task_run_name="{name}",
    retries=2,
    retry_delay_seconds=[2, 15],
    retry_condition_fn=may_recover,
    cache_policy=NO_CACHE,  # the steps find out by the store's versions what is already done
    persist_result=False,  # the facts are in the store's table `runs` and in the artifacts
    result_serializer="json",  # where somebody turns it on, let it not be pickle
)
def run(
    name: str,
    config: str,
    overrides: Mapping[str, Any],
    cutoff: date | None,
    force: bool,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """Run a step and publish its summary; returns {step, facts, reused, seconds}, or a Failed state for a UserError.

    A state, because Prefect logs every exception that leaves a task with its traceback.
    """
    started = time.perf_counter()
    try:
        job, run_id = load(config, overrides), str(runtime.flow_run.id)
        with log.context(task=name), span(name, job=job.name, flow_run_id=run_id), time_limit(name, job):
            outcome = run_step(name, job, cutoff, force, options)
    except UserError as error:
        return Failed(message=error_hints.sentence(error), data=error)
    record = {"step": outcome.step, "facts": outcome.facts, "reused": outcome.reused}
    record["seconds"] = round(time.perf_counter() - started, 1)
    _create_artifacts(record, _config_name(config))
    return record


def _task(name: str) -> Task[..., Any]:
    return run.with_options(name=name)


def _create_artifacts(record: Mapping[str, Any], job: str) -> None:
    """The step's summary as Markdown and, where it has scores, these as a table."""
    key = re.sub(r"[^a-z0-9]+", "-", f"{record['step']}-{job}".lower()).strip("-")
    create_markdown_artifact(summary.markdown([record]), key=key, description=f"{record['step']} of {job}")
    scores = record["facts"].get("scores")
    if scores:
        create_table_artifact(scores, key=f"{key}-scores", description=f"scores of {job}")


def _rename_run(config: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Put the last day that the steps have found into the name of a run without a cutoff."""
    days = [r["facts"].get("cutoff") or r["facts"].get("last") for r in records]
    day = next((d for d in reversed(days) if d), None)
    if day and not runtime.flow_run.parameters.get("cutoff"):
        name = f"{runtime.flow_run.flow_name} {_config_name(config)} {day}"
        with get_client(sync_client=True) as client:
            client.update_flow_run(runtime.flow_run.id, name=name)


def _config_name(config: str) -> str:
    return Path(config).stem
