"""What a run does about what it has found: `react` tells receivers of alerts, and starts a training out of turn.

It takes the job's file, overrides and the records of the steps that were run, and returns sentences about what could
not be done. `note_failure` makes an alert of a step that has failed. Trainings and alerts about failures are those of
deployed jobs: who types a command sees what happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefect import runtime
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from flows.orchestration.notifications import deliver
from forecasting.config import Config, load
from forecasting.errors import UserError
from forecasting.services import log
from forecasting.steps.alerts import Finding, note_findings, resolve
from forecasting.steps.session import open_session

MAIN_JOB = "pipeline"


def react(file: str, overrides: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Send alerts, and start the main job where the monitoring asks for a training; returns what went wrong."""
    config = load(file, overrides)
    if runtime.deployment.id:
        for record in records:
            resolve(open_session(config).store, "failed", record["step"])
    found = [record["facts"] for record in records if record["step"] == "monitor"]
    problems = deliver(config)
    for facts in found:
        if runtime.deployment.id and facts.get("retrain"):
            problems += _retrain(config, file, overrides, facts["retrain"])
    return problems


def note_failure(file: str, overrides: Mapping[str, Any], step: str, message: str) -> None:
    """Open an alert about a step of a deployed job that has failed, and send it; what cannot be noted is logged."""
    if not runtime.deployment.id:
        return
    try:
        config = load(file, overrides)
        note_findings(config, open_session(config).store, (), [Finding("failed", step, message)], None)
        problems = deliver(config)
    except (UserError, OSError) as error:  # the config or the store is what has failed
        problems = [str(error)]
    for problem in problems:
        log.event("an alert could not be sent", step=step, problem=problem)


def _retrain(config: Config, file: str, overrides: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Start the main job of these data once; the registry keeps why, since the training reads it in the run log."""
    parameters = {"config": file} | ({"overrides": dict(overrides)} if overrides else {})
    once = f"retrain {config.name} {wanted['after']} {wanted['cutoff']} {wanted['event']}"
    try:
        run = run_deployment(
            f"{MAIN_JOB}/{config.name}",
            parameters=parameters,
            timeout=0,
            as_subflow=False,
            tags=["retrain", wanted["event"]],
            flow_run_name=f"retrain {config.name} {wanted['cutoff']} {wanted['event']}",
            idempotency_key=once,
        )
    except ObjectNotFound:
        return [f"{config.name} has no deployment {MAIN_JOB}/{config.name}, so it cannot be trained again: deploy it"]
    log.event("training started out of turn", run=str(run.id), reason=wanted["reason"])  # type: ignore[union-attr]
    return []
