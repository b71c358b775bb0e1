"""Real servers for the tests, on free ports of this machine: PostgreSQL and an object store that speaks S3."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NoReturn
from urllib.request import urlopen

import pytest

PASSWORD = "o@p:e/n se?same%"  # every sign that an address must not hold as it is
START = 60.0


@dataclass(frozen=True)
class Postgres:
    """A server with one empty database; `execute` runs statements on it."""

    port: int
    user: str = "tester"
    password: str = PASSWORD

    def url(self, **other: object) -> str:
        from sqlalchemy import URL

        parts = {"username": self.user, "password": self.password, "host": "127.0.0.1", "port": self.port}
        url = URL.create("postgresql", **(parts | {"database": "postgres"} | other))
        return url.render_as_string(hide_password=False)

    def execute(self, *statements: str, rows: object = None) -> None:
        """Each statement, the last one for many rows when there are some."""
        import psycopg

        dsn = f"host=127.0.0.1 port={self.port} user={self.user} dbname=postgres"
        with psycopg.connect(dsn, password=self.password, autocommit=True) as connection:
            for statement in statements[: len(statements) - bool(rows)]:
                connection.execute(statement)
            if rows:
                connection.cursor().executemany(statements[-1], rows)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this session; without its programs the test is skipped, in CI it fails."""
    programs = postgres_programs()
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="demandcast-postgres-") as folder:
        own(Path(folder), user)
        (secret := Path(folder, "password")).write_text(PASSWORD)
        server = Postgres(free_port())
        make = [programs / "initdb", "-D", f"{folder}/data", "-U", server.user, "--pwfile", secret, "--no-sync"]
        make += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **as_user(user))
        run = [programs / "postgres", "-D", f"{folder}/data", "-p", str(server.port), "-k", "", "-F"]
        run += ["-c", "listen_addresses=127.0.0.1", "-c", "timezone=Asia/Tokyo"]
        with process(run, lambda: server.execute("SELECT 1"), cwd=folder, **as_user(user)):
            yield server


def postgres_programs() -> Path:
    """The newest folder with initdb and postgres."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    if on_path or found:
        return (Path(on_path) if on_path else found[-1]).parent
    return missing("needs PostgreSQL: apt-get install postgresql")


def missing(what: str) -> NoReturn:
    stop = pytest.fail if os.environ.get("CI") else pytest.skip
    stop(what)


def own(folder: Path, user: str | None) -> None:
    if user:
        if user not in (entry.pw_name for entry in pwd.getpwall()):
            missing(f"needs the user {user}: root may not run PostgreSQL")
        shutil.chown(folder, user)


def as_user(user: str | None) -> dict[str, object]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server of this session."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, Path(__file__).with_name("s3_server.py"), str(port)]
    with process(command, lambda: urlopen(url, timeout=5).close(), 4 * START):
        yield url


NUMBERS = count(1)


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket, s3://..., and the environment by which it is reached."""
    return new_bucket(s3_server, monkeypatch)


def new_bucket(s3_server: str, patch: pytest.MonkeyPatch) -> str:
    """The same for a patch of the environment that lasts longer than a test."""
    from pyarrow import fs

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setenv("AWS_ENDPOINT_URL", s3_server)
    patch.setenv("MLFLOW_S3_ENDPOINT_URL", s3_server)
    patch.setenv("AWS_ALLOW_HTTP", "true")
    patch.setenv("AWS_REGION", "eu-central-1")
    patch.setenv("AWS_ACCESS_KEY_ID", "tester")
    patch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
    patch.setenv("NO_PROXY", "127.0.0.1")
    name = f"bucket{next(NUMBERS)}"
    place = {"region": "eu-central-1", "scheme": "http", "endpoint_override": s3_server.removeprefix("http://")}
    fs.S3FileSystem(**place, allow_bucket_creation=True).create_dir(name)
    return f"s3://{name}"


def upload(folder: Path, url: str) -> str:
    """Copy a local folder to s3://; returns where it lies there."""
    from pyarrow import fs

    from forecasting.io.storage import object_store

    fs.copy_files(str(folder), "", destination_filesystem=object_store(url))
    return url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    command: list[object], answers: Callable[[], object], seconds: float = START, **options: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A server from its first answer on, within so many seconds, to the end of the block."""
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, **options)
        try:
            wait(server, answers, seconds)
            yield server
        except TimeoutError:
            log.seek(0)
            pytest.fail(f"{command[0]} did not start: {log.read()[-2000:].decode(errors='replace')}")
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(5)
            server.kill()
            server.wait()


def wait(server: subprocess.Popen[bytes], answers: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < end:
        with suppress(Exception):
            answers()
            return
        time.sleep(0.1)
    raise TimeoutError
