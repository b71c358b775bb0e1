"""The Prefect API that a command talks to: the user's own server, or one that lives as long as the command.

Prefect would start a temporary server by itself, but only when the first flow is called, and it imports the whole
server into this process as well. Started here, first thing and as a child, it boots on another core while this process
imports what the flow needs.
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
PATIENCE = 120  # seconds: a slow disk on which a new database is made


@dataclass(frozen=True)
class Server:
    """An API by its address; process and log are those of a temporary one."""

    url: str
    process: subprocess.Popen[bytes] | None = None
    log: IO[bytes] | None = None

    def ready(self) -> None:
        """Return once it answers; raises UserError (the user's server is away) or RuntimeError (ours did not start)."""
        end = time.monotonic() + PATIENCE
        while not self.answers():
            if not self.process:
                raise UserError(
                    f"PREFECT_API_URL: no Prefect server answers at {self.url}; start it with `prefect server start`, "
                    "or unset PREFECT_API_URL to run without one"
                )
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the temporary Prefect server did not start: {self._last_words()}")
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

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            urlopen(f"{self.url}/health", timeout=10).close()
        except HTTPError:  # it answers, if only that it wants a key: Prefect's own client brings it
            return True
        except (OSError, ValueError):
            return False
        return True

    def _last_words(self) -> str:
        if not self.log:
            return "it said nothing"
        self.log.seek(0)
        lines = [line for line in self.log.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else "it said nothing"


def connect() -> Server:
    """The API for the flows of this process; it may still be booting: wait with `ready()` before the first flow."""
    url = _users_server()
    return Server(url) if url else _temporary()


def _users_server() -> str | None:
    """Address from PREFECT_API_URL or Prefect's own settings; asking Prefect takes 2 s, so only where it has any."""
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    places = [home / "profiles.toml", Path("prefect.toml"), Path(".env")]
    if "PREFECT_API_URL" in os.environ or not any(p.exists() for p in places):
        return os.environ.get("PREFECT_API_URL") or None
    from prefect.settings import PREFECT_API_URL

    url: str | None = PREFECT_API_URL.value()
    return url


def _temporary() -> Server:
    """Start a server that ends with this process, after Prefect's last messages (exit handlers: last in, first out)."""
    log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the server
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "flows.server", str(port)]
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
    """The child: serve until the parent says stop, or is gone and its end of our stdin with it."""
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    uvicorn.run(create_app(ephemeral=True, final=True), host=HOST, port=port, log_level="error")


def _outlive_nobody() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
