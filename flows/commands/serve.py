"""`demandcast serve CONFIG`: `serve` shows the dashboard of the job's file on host and port until Ctrl+C.

Raises UserError when it cannot listen there, or when other machines could come in without signing in. It runs no step:
pages show what earlier runs have stored, and only scenarios are forecast on request.
"""

from __future__ import annotations

import os
import socket
from importlib import import_module
from typing import Annotated

from cyclopts import Parameter

from flows.arguments import File, Sets, load_config, print_line
from forecasting.errors import UserError

Host = Annotated[str, Parameter(help="0.0.0.0 lets other machines open it, too; they have to sign in.")]

POLARS_THREADS = "1"
"""Answers to requests are made of small frames, side by side: threads on one frame cost more than they bring."""


def serve(config: File, /, *, host: Host = "127.0.0.1", port: int = 8050, set_: Sets = ()) -> None:
    """Show the dashboard until Ctrl+C."""
    os.environ.setdefault("POLARS_MAX_THREADS", POLARS_THREADS)  # read when Polars is imported, which is below
    job = load_config(config, set_)
    _check_address(host, port)
    # flows and dashboard do not import each other: only the config is passed on here.
    dashboard = import_module("dashboard.app")
    server = dashboard.prepare(job, host, port)
    shown = f"[{host}]" if ":" in host else host
    print_line(f"dashboard of {job.name} on http://{shown}:{port} (Ctrl+C ends it)")
    server.run()


def _check_address(host: str, port: int) -> None:
    """Raise UserError when the dashboard could not listen there: at every address of the host, of IPv4 and IPv6."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:  # as the server does: the two families do not share a port
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UserError(f"--host {host} --port {port}: cannot listen there ({error}); choose others") from None
