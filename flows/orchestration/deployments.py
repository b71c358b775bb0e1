"""The Prefect flows, `FLOWS` {name: flow}: one per registered step, and `pipeline`, which runs the main steps in order.

A flow takes config (path of the job's file), overrides, cutoff and force (some take options), and returns records of
its steps. `prefect.yaml` names them as entrypoints, such as `flows/orchestration/deployments.py:ingest`; nothing is
deployed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from prefect import Flow, flow

from flows.orchestration.tasks import run_name, run_steps
from forecasting.steps.registry import PIPELINE, STEPS, Step

PIPELINE_NAME = "pipeline"
PIPELINE_DESCRIPTION = "The main job: ingest, backtest, train, predict, shadow and monitor."


def pipeline_flow() -> Flow[..., Any]:
    """The flow of the main job: all steps of the pipeline, one after the other."""
    return _flow(PIPELINE_NAME, PIPELINE_DESCRIPTION, _without_options(PIPELINE))


def step_flow(step: Step) -> Flow[..., Any]:
    """The flow of one step, named after it."""
    function = _with_options if step.options else _without_options
    return _flow(step.name, step.description, function([step.name]))


def _without_options(steps: Sequence[str]) -> Callable[..., object]:
    def run(
        config: str, overrides: dict[str, Any] | None = None, cutoff: date | None = None, force: bool = False
    ) -> object:
        return run_steps(steps, config=config, overrides=overrides or {}, cutoff=cutoff, force=force)

    return run


def _with_options(steps: Sequence[str]) -> Callable[..., object]:
    def run(
        config: str,
        overrides: dict[str, Any] | None = None,
        cutoff: date | None = None,
        force: bool = False,
        options: dict[str, Any] | None = None,
    ) -> object:
        job = {"config": config, "overrides": overrides or {}, "cutoff": cutoff, "force": force}
        return run_steps(steps, **job, options=options or {})

    return run


def _flow(name: str, description: str, function: Callable[..., object]) -> Flow[..., Any]:
    function.__name__ = function.__qualname__ = name  # Prefect derives the entrypoint from it
    made: Flow[..., Any] = flow(
        name=name,
        description=description,
        flow_run_name=run_name,
        persist_result=False,
        result_serializer="json",  # where somebody turns persistence on, let it not be pickle
    )(function)
    return made


FLOWS = {PIPELINE_NAME: pipeline_flow()} | {name: step_flow(step) for name, step in STEPS.items()}
"""All flows by name. Each is an attribute of this module too, which is how an entrypoint finds it."""

globals().update(FLOWS)
