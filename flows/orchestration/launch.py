"""`run(flow, job, **parameters)` runs the flow of that name in this process and returns the records of its steps.

A record is {step, facts, reused, seconds}. The flow reports to the user's Prefect server or to a temporary one. `job`
is the loaded Config, used for checks beforehand; `parameters` go to the flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from rich.console import Console

from flows.orchestration.server import Server, connect
from forecasting.config import Config
from forecasting.steps.registry import PIPELINE, STEPS, Step

MODEL_LIBRARIES = {"lightgbm": "lightgbm", "stats": "statsforecast"}  # what a family of models imports


def run(flow: str, job: Config, **parameters: Any) -> list[dict[str, Any]]:
    """The records of the steps that the flow has run; raises what its task raised."""
    steps = _steps(flow)
    if any(step.reads_source for step in steps):
        from forecasting.data import sources

        sources.check_available(job)  # a wrong place is reported at once, and not after a server has booted
    server = connect()
    with Console(stderr=True).status("starting"):  # shows nothing where stderr is no terminal
        function = import_module("flows.orchestration.deployments").FLOWS[flow]
        _import_meanwhile(server, _slow_imports(steps, job))
        server.wait_until_ready()
    result: list[dict[str, Any]] | Exception = function(**parameters, return_state=True).result(raise_on_failure=False)
    if isinstance(result, Exception):
        raise result
    return result


def _steps(flow: str) -> list[Step]:
    """The steps that the flow runs: its own, or all of the pipeline."""
    return [STEPS[flow]] if flow in STEPS else [STEPS[name] for name in PIPELINE]


def _import_meanwhile(server: Server, libraries: Iterator[str]) -> None:
    """While a temporary server boots, import what the steps need: seconds each, and this core is idle.

    One after the other in this thread: modules that two threads import at once may meet half made.
    """
    for name in libraries:
        if server.is_up():
            return
        import_module(name)


def _slow_imports(steps: list[Step], job: Config) -> Iterator[str]:
    """The slow libraries that the steps import, the one surest to be needed first."""
    if any(step.uses_registry for step in steps):
        yield "mlflow"
    if any(step.fits_models for step in steps):
        families = {m.family for m in job.models} or set(MODEL_LIBRARIES)
        yield from (library for family, library in MODEL_LIBRARIES.items() if family in families)
