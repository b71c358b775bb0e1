"""A Prefect server for tests: `Api` asks its REST interface; `server(...)` starts one, `worker(...)` a worker of it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.servers import process

ENDS = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
MAIN = "import sys; from flows.cli import main; main(sys.argv[1:])"
QUICK = """
import sys
from flows.orchestration import crash_watch
crash_watch.SILENCE, crash_watch.SETTLING = 45, 20
from flows.cli import main
main(sys.argv[1:])
"""
"""The same, and what it deploys is given up and started again sooner: no run of the tests is silent for so long."""
START = 600.0
"""Seconds in which a server has to start, on a busy machine too."""
PATIENCE = 900.0
"""Seconds in which a run has to end, on a busy machine too."""


class Api:
    """The REST API of a Prefect server on a port of this machine."""

    def __init__(self, port: int, environment: Mapping[str, str] = os.environ) -> None:
        self.url = f"http://127.0.0.1:{port}/api"
        self.environment = {**environment, "PREFECT_API_URL": self.url}

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode()
        request = Request(f"{self.url}/{path}", data, {"Content-Type": "application/json"})
        for _ in range(20):
            try:
                return json.loads(urlopen(request, timeout=60).read())
            except HTTPError as error:  # its database is at work for the scheduler: Prefect's client asks again, too
                if error.code != 503:
                    raise
                time.sleep(1)
        pytest.fail(f"{path}: still 503")

    def deployments(self) -> dict[str, Any]:
        return {f"{d['name']}/{d['entrypoint'].rpartition('.')[2]}": d for d in self.post("deployments/filter")}

    def runs(self, ids: Iterable[str]) -> dict[str, Any]:
        """The runs of these ids."""
        return {run["id"]: run for run in self.post("flow_runs/filter", flow_runs={"id": {"any_": [*ids]}})}

    def finished(self, ids: Iterable[str], ends: Sequence[str] = ENDS) -> dict[str, Any]:
        """The runs of these ids once all have ended, or as they are when the patience is over."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.runs(ids)
            if all(run["state"]["type"] in ends for run in found.values()):
                break
            time.sleep(1)
        return found


@contextmanager
def server(port: int, home: Path, **settings: str) -> Iterator[Api]:
    """A Prefect server with a database of its own, SQLite below `home` unless the settings name another."""
    api = Api(port)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui"]
    own = {"PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_API_URL": api.url}
    health = f"{api.url}/health"
    with process(command, lambda: urlopen(health, timeout=5).close(), START, env=os.environ | own | settings):
        yield api


def worker(api: Api, folder: Path, **options: Any) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A worker that runs one step at a time, as docs/OPERATIONS.md has it."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "demandcast", "--type", "process"]
    environment = api.environment | {"PREFECT_WORKER_QUERY_SECONDS": "2"}
    return process([*command, "--limit", "1"], lambda: None, cwd=folder, env=environment, **options)


def demandcast(api: Api, folder: Path, *words: object, main: str = MAIN) -> str:
    """What a command prints that talks to this server; it must succeed."""
    command = [sys.executable, "-c", main, *map(str, words)]
    done = subprocess.run(command, cwd=folder, env=api.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
