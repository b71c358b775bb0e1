"""With a server and without one."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from flows.orchestration import server
from forecasting.errors import UserError


@pytest.fixture(autouse=True)
def _no_server_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that another test ran in this process has left the address of its temporary server."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def test_a_user_s_server_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(UserError, match=r"PREFECT_API_URL.*127\.0\.0\.1:9.*prefect server start"):
        server.connect().wait_until_ready()


def test_settings_files_of_prefect_are_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a process of its own: Prefect reads its settings once."""
    (tmp_path / "profiles.toml").write_text(
        'active = "shop"\n[profiles.shop]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    )
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    code = "from flows.orchestration.server import connect; print(connect())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "url='http://127.0.0.1:9/api', process=None" in done.stdout


def test_a_server_that_does_not_start_says_why() -> None:
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen([sys.executable, "-c", "raise SystemExit('no room on the disk')"], stderr=log)
        with pytest.raises(RuntimeError, match="did not start: no room on the disk"):
            server.Server("http://127.0.0.1:9/api", child, log).wait_until_ready()


def test_a_temporary_server_ends_with_its_parent() -> None:
    """Even when the parent is killed and cannot say stop."""
    code = (
        "import os, signal; from flows.orchestration.server import connect;"
        "print(connect().process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ends(int(done.stdout))


def ends(pid: int) -> bool:
    """Whether the process is gone within a minute."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(600):
        if not stat.exists() or ") Z " in stat.read_text():
            return True
        time.sleep(0.1)
    return False
