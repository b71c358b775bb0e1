"""`demandcast serve CONFIG`: `serve` shows the dashboard of the job's file on host and port until Ctrl+C.

Raises UserError when it cannot listen there, or when other machines could come in without signing in. It runs no step:
pages show what earlier runs have stored, and only scenarios are forecast on request.
"""

from __future__ import annotations

import socket
from importlib import import_module
from typing import Annotated

from cyclopts import Parameter

from flows.arguments import File, Sets, load_config, print_line
from forecasting.errors import UserError

Host = Annotated[str, Parameter(help="0.0.0.0 lets other machines open it, too; they have to sign in.")]


def serve(config: File, /, *, host: Host = "127.0.0.1", port: int = 8050, set_: Sets = ()) -> None:
    """Show the dashboard until Ctrl+C."""
    job = load_config(config, set_)
    _check_address(host, port)
    # flows and dashboard do not import each other: only the config is passed on here.
    dashboard = import_module("dashboard.app")
    server = dashboard.prepare(job, host, port)
    print_line(f"dashboard of {job.name} on http://{host}:{port} (Ctrl+C ends it)")
    server.run()


def _check_address(host: str, port: int) -> None:
    """Raise UserError when the dashboard could not listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise UserError(f"--host {host} --port {port}: cannot listen there ({error}); choose others") from None
