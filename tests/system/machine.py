"""All parts of a deployment as processes of this machine: `brought_up(...)` starts them, `Machine` names them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests import prefect_server
from tests.prefect_server import ENDS, Api
from tests.servers import Postgres, free_port, new_bucket, process

SHELL = """
import contextlib, io, json, os, sys
from flows.orchestration import crash_watch
crash_watch.SILENCE, crash_watch.SETTLING = 45, 10
from flows.cli import main
for words in sys.stdin:
    line, environment = json.loads(words)
    os.environ.update(environment)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        main(line.split())
    print(json.dumps(printed.getvalue()), flush=True)
"""
"""Commands, one after the other as they are asked for; what is deployed is given up and started again sooner than
usual, as no run of these tests is silent for so long."""


@dataclass(frozen=True)
class Machine:
    """Addresses of the parts, and the folder in which commands and runs work and parts write their logs."""

    folder: Path
    api: Api
    bucket: str
    mlflow: str
    web: str

    @contextmanager
    def shell(self) -> Iterator[Callable[..., str]]:
        """A function that runs a command in an environment and returns what it prints; all of them in one process, as
        starting takes long."""
        command, pipe = [sys.executable, "-c", SHELL], subprocess.PIPE
        place = {"cwd": self.folder, "env": self.api.environment, "text": True, "preexec_fn": take_one_processor}
        with (self.folder / "shell.log").open("w") as log:
            shell = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, **place)

        def say(line: str, **environment: str) -> str:
            print(json.dumps([line, environment]), file=shell.stdin, flush=True)
            answer = shell.stdout.readline()
            assert answer, f"demandcast {line} failed: {last_lines(self.folder / 'shell.log')}"
            return json.loads(answer)

        try:
            yield say
        finally:
            shell.kill()
            shell.communicate()

    def worker(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A worker of the Prefect server."""
        return prefect_server.worker(self.api, self.folder, preexec_fn=take_one_processor)

    def serve(self, config: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Pages and API of a job."""
        words = ["serve", config, "--port", self.web.rpartition(":")[2]]
        command, place = [sys.executable, "-c", prefect_server.MAIN, *words], {"cwd": self.folder}
        ready = partial(answers, f"{self.web}/health")
        return process(command, ready, prefect_server.START, env=self.api.environment, **place)

    def runs(self, flows: Mapping[str, Any] | None = None, **where: Any) -> list[dict[str, Any]]:
        """Runs on the Prefect server by filters, the one that was due last first."""
        filters = {"flow_runs": where} | ({"flows": flows} if flows else {})
        return self.api.post("flow_runs/filter", sort="EXPECTED_START_TIME_DESC", **filters)

    def began(self) -> list[str]:
        """A line for each run that has begun, in the order in which they were due."""
        types = {"any_": ["PENDING", "RUNNING", *ENDS]}
        return [run_line(run) for run in reversed(self.runs(state={"type": types}))]

    def last_words(self) -> list[str]:
        """What runs have logged last, and the states of those that have begun or are due: why a wait was in vain."""
        logs = self.api.post("logs/filter", sort="TIMESTAMP_DESC", limit=30)
        due = self.runs(
            expected_start_time={"before_": datetime.now(UTC).isoformat()}, state={"type": {"any_": ["SCHEDULED"]}}
        )
        return [*self.began(), *map(run_line, due), *(f"{row['timestamp']} {row['message']}" for row in reversed(logs))]


def run_line(run: Mapping[str, Any]) -> str:
    """`predict shop 2024-05-01: Completed, due 12:00:01, began 12:00:02, 7.1 s`, and what its state says."""
    clock = [str(run[at] or "never")[11:19] or "never" for at in ("expected_start_time", "start_time")]
    said = f"; {run['state']['message']}" if run["state"]["message"] else ""
    return (
        f"{run['name']}: {run['state']['name']}, due {clock[0]}, began {clock[1]}, {run['total_run_time']:.1f} s{said}"
    )


def last_lines(file: Path) -> str:
    return file.read_text(errors="replace")[-2000:]


@contextmanager
def brought_up(folder: Path, postgres: Postgres, s3_server: str) -> Iterator[Machine]:
    """Prefect, MLflow and accounts on PostgreSQL, tables and models on S3; this process has their environment."""
    postgres.execute(*(f"CREATE DATABASE {name}" for name in ("prefect", "mlflow", "access")))
    with ExitStack() as parts:
        patch = parts.enter_context(pytest.MonkeyPatch.context())
        bucket = new_bucket(s3_server, patch)
        patch.setenv("DEMANDCAST_ACCESS_DATABASE", address(postgres, "postgresql", "access"))
        ports = free_port(), free_port(), free_port()
        mlflow, web = (f"http://127.0.0.1:{port}" for port in ports[1:])
        database = {"PREFECT_API_DATABASE_CONNECTION_URL": address(postgres, "postgresql+asyncpg", "prefect")}
        database |= dict.fromkeys(["PREFECT_API_DATABASE_TIMEOUT", "PREFECT_API_DATABASE_CONNECTION_TIMEOUT"], "60")
        database |= {"PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1"}
        starting = [
            prefect_server.server(ports[0], folder / "prefect", **database),
            tracking_server(mlflow, address(postgres, "postgresql+psycopg", "mlflow"), f"{bucket}/artifacts"),
        ]
        with ThreadPoolExecutor() as at_once:
            api, _ = at_once.map(parts.enter_context, starting)
        yield Machine(folder, api, bucket, mlflow, web)


def tracking_server(url: str, database: str, artifacts: str) -> AbstractContextManager[object]:
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", url.rpartition(":")[2]]
    command += ["--workers", "1", "--no-serve-artifacts", "--default-artifact-root", artifacts]
    own = {"MLFLOW_BACKEND_STORE_URI": database, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return process(command, lambda: answers(f"{url}/health"), prefect_server.START, env=os.environ | own)


def take_one_processor() -> None:
    """Let this process do all by itself, on one processor: children of its own would have to start, too."""
    mine = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {mine[os.getpid() % len(mine)]})


def address(postgres: Postgres, driver: str, database: str) -> str:
    return postgres.url(database=database).replace("postgresql", driver, 1)


def answers(url: str) -> None:
    urlopen(url, timeout=5).close()


def kill(worker: subprocess.Popen[bytes], run: int) -> None:
    """SIGKILL to a worker, the process of its run and all that these have started, as when the power fails."""
    found = children()
    doomed, new = {worker.pid, run}, True
    while new:
        new = {pid for pid, parent in found.items() if parent in doomed} - doomed
        doomed |= new
    for pid in doomed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.wait()


def children() -> dict[int, int]:
    """The parent of each process of this machine."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return found
