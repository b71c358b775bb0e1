"""`connect()` returns the Server (a Prefect API) that a command talks to: the user's, or a temporary one it starts.

Prefect would start a temporary server by itself, but only when the first flow is called, and it imports the whole
server into this process as well. Started here, first thing and as a child, it boots on another core while this process
imports what the flow needs. It ends with the command.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.request import urlopen

from forecasting.errors import UserError

HOST = "127.0.0.1"
START_TIMEOUT = 120  # seconds: a new database may be made on a slow disk


@dataclass(frozen=True)
class Server:
    """A Prefect API by its address; `process` and `log` are those of a temporary server."""

    url: str
    process: subprocess.Popen[bytes] | None = None
    log: IO[bytes] | None = None

    def wait_until_ready(self) -> None:
        """Return once it responds; raises UserError (the user's server does not) or RuntimeError (no start)."""
        end = time.monotonic() + START_TIMEOUT
        while not self.is_up():
            if not self.process:
                raise UserError(
                    f"PREFECT_API_URL: no Prefect server responds at {self.url}; start it with `prefect server start`, "
                    "or unset PREFECT_API_URL to run without one"
                )
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the temporary Prefect server did not start: {self._last_log_line()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End a temporary server: gently first."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def is_up(self) -> bool:
        """Whether the API responds."""
        try:
            urlopen(f"{self.url}/health", timeout=10).close()
        except HTTPError:  # it responds, if only that it wants a key: Prefect's client brings it
            return True
        except (OSError, ValueError):
            return False
        return True

    def _last_log_line(self) -> str:
        if not self.log:
            return "its log is empty"
        self.log.seek(0)
        lines = [line for line in self.log.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else "its log is empty"


def connect() -> Server:
    """The API for the flows of this process; it may still be booting: `wait_until_ready()` before the first flow."""
    url = _configured_url()
    return Server(url) if url else _start_temporary()


def configured_server() -> Server:
    """The user's own server; raises UserError where none is named: a temporary one keeps nothing."""
    if not (url := _configured_url()):
        raise UserError(
            "PREFECT_API_URL: names no Prefect server; start one with `prefect server start` and set it to "
            "http://127.0.0.1:4200/api"
        )
    return Server(url)


def _configured_url() -> str | None:
    """Address from PREFECT_API_URL or Prefect's settings; reading those takes 2 s, so only where there are any."""
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    places = [home / "profiles.toml", Path("prefect.toml"), Path(".env")]
    if "PREFECT_API_URL" in os.environ or not any(p.exists() for p in places):
        return os.environ.get("PREFECT_API_URL") or None
    from prefect.settings import PREFECT_API_URL

    url: str | None = PREFECT_API_URL.value()
    return url


def _start_temporary() -> Server:
    """Start a server that ends with this process, after Prefect's last messages (exit handlers: last in, first out)."""
    log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the server
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "flows.orchestration.server", str(port)]
    server = Server(
        f"http://{HOST}:{port}/api",
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=_environment()),
        log,
    )
    atexit.register(server.stop)
    os.environ["PREFECT_API_URL"] = server.url
    if "prefect" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
    return server


def _environment() -> dict[str, str]:
    """What Prefect itself sets for a temporary server: no pages, only the services that record runs."""
    ours = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    return os.environ | ours | {"PREFECT_LOGGING_LEVEL": "ERROR"}


def _serve(port: int) -> None:
    """Run in the child: serve until the parent stops it, or is gone and its end of our stdin with it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    uvicorn.run(create_app(ephemeral=True, final=True), host=HOST, port=port, log_level="error")


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
