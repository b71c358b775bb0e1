"""One small job for the tests of the dashboard, and a server in a thread."""

import threading
import time
from collections.abc import Callable, Iterator

import polars as pl
import pytest
import uvicorn
from fastapi import FastAPI

from forecasting.config import Config
from forecasting.steps.session import Session, open_session
from tests.dashboard import fake_store

Job = tuple[Config, dict[str, pl.DataFrame]]


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The config of a job with full tables, and the frames that were written to them."""
    config = fake_store.config_in(tmp_path_factory.mktemp("full"))
    return config, fake_store.fill(config)


@pytest.fixture(scope="session")
def session(job: Job) -> Session:
    """A session on that job."""
    return open_session(job[0])


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The config of a job that has never run."""
    return fake_store.config_in(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def serving() -> Iterator[Callable[[FastAPI], str]]:
    """Serve an app on a free port of loopback; returns its address."""
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: FastAPI) -> str:
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join(10)
