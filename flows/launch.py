"""Run a flow in this process, with or without a Prefect server."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flows.server import connect


def run(flow: str, **job: Any) -> list[dict[str, Any]]:
    """The records of the steps that the flow has run; raises what its task raised."""
    server = connect()
    function = getattr(import_module(f"flows.{flow}"), flow)
    server.ready()
    result = function(**job, return_state=True).result(raise_on_failure=False)
    if isinstance(result, BaseException):
        raise result
    return result
