"""Run a flow in this process, with or without a Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from rich.console import Console

from flows.server import Server, connect
from forecasting.config import Config

READING = ("pipeline", "ingest")
LIBRARIES = {"lightgbm": "lightgbm", "stats": "statsforecast"}  # what a family of models imports


def run(flow: str, job: Config, **parameters: Any) -> list[dict[str, Any]]:
    """The records of the steps that the flow has run; raises what its task raised."""
    if flow in READING:
        from forecasting.data import sources

        sources.check_available(job)  # told at once, and not after a server has booted
    server = connect()
    with Console(stderr=True).status("starting"):  # nothing is shown where nobody looks on
        function = getattr(import_module(f"flows.{flow}"), flow)
        _meanwhile(server, flow, job)
        server.ready()
    result: list[dict[str, Any]] | Exception = function(**parameters, return_state=True).result(raise_on_failure=False)
    if isinstance(result, Exception):
        raise result
    return result


def _meanwhile(server: Server, flow: str, job: Config) -> None:
    """While a temporary server boots, load what the steps are going to import: seconds each, and this core is idle.

    One after the other in this thread: modules that two threads import at once may meet half made.
    """
    for name in _heavy(flow, job):
        if server.answers():
            return
        import_module(name)


def _heavy(flow: str, job: Config) -> Iterator[str]:
    """The slow libraries behind the doors that the flow will pass, the surest first."""
    if flow in ("pipeline", "backtest", "train", "predict", "tune"):
        yield "mlflow"
    if flow in ("pipeline", "backtest", "train", "tune"):
        yield from {LIBRARIES[m.family] for m in job.models if m.family in LIBRARIES}
