"""What every test stands on: no telemetry, nothing written in the repository or at home, real data, a browser."""

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "demandcast-tests-"
SCRATCH = tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")
SHARED = os.environ.setdefault("TESTS_SHARED_FOLDER", SCRATCH.name)
"""The folder of the process that started this one as a worker of pytest-xdist: all of one run see it (`once`)."""

# Before anything imports Prefect or MLflow: both read their settings when imported, and child processes inherit them.
# Each process of pytest-xdist has about one core: more threads of OpenMP and BLAS would wait for each other, busily.
os.environ |= {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_HOME": str(Path(SCRATCH.name, "prefect")),
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
}
os.environ.pop("PREFECT_API_URL", None)  # a developer's own server is not for tests

import hypothesis
import pytest

from tests.servers import postgres, s3, s3_server

__all__ = ["postgres", "s3", "s3_server"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.scheduler import LoadFileScheduling

CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)

hypothesis.settings.register_profile("local", deadline=None, max_examples=40, database=None)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("local"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


SERVERS = {"browser", "postgres", "s3", "s3_server"}
"""Fixtures that start something beside the tests."""


def pytest_sessionstart() -> None:
    """Throw away what test runs have left that were killed: folders whose process is no more."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        number = left.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdigit() and not is_alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def is_alive(pid: int) -> bool:
    """Whether there is a process of this number, of whomever."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


LONGEST = pytest.StashKey[set[Path]]()
"""The files of tests that have a time limit of their own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a server of their own are those of the system. Files that take long come first, so that at the end no
    process is left alone with one (pytest-xdist gives out files in this order): the longest, those that mostly wait for
    a browser, beside which others compute, and the other slow ones.
    """
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.system)
    browsing = {item.path for item in items if "browser" in getattr(item, "fixturenames", ())}
    longest, slow = ({item.path for item in items if item.get_closest_marker(name)} for name in ("timeout", "slow"))
    items.sort(key=lambda item: [item.path not in files for files in (longest, browsing, slow)])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What runs beside the longest tests gives way to them: all others have ended before them, and what they start has
    to come in time for a schedule.
    """
    longest = item.config.stash[LONGEST]
    if longest and item.path not in longest and os.nice(0) == 0:
        os.nice(5)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process more than processors for the tests of the system: they wait for servers half of the time."""
    if config.option.markexpr != "system" or not hasattr(os, "sched_getaffinity"):
        return None
    return len(os.sched_getaffinity(0)) + 1


TOGETHER = dict.fromkeys((f"tests/flows/test_{name}.py" for name in ("alerts", "flows", "summary")), "harness")
"""Files that one process has to run, as they share a fixture that cannot lie on disk: one Prefect server for all."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> "LoadFileScheduling":
    """As --dist loadfile, with the files of TOGETHER as one."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file, file)

    return Scheduling(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """The garbage collector passes over what is imported by now and stays, and comes only when much is new."""
    session.config.stash[LONGEST] = {item.path for item in session.items if item.get_closest_marker("timeout")}
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


SEEN = "what was seen"
"""The property of a test under which it records lines to be printed at the end."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have recorded as SEEN, wherever they ran."""
    for report in terminalreporter.getreports("passed"):
        for line in dict(report.user_properties).get(SEEN, ()):
            terminalreporter.write_line(line)


def pytest_unconfigure() -> None:
    """Throw away what the tests wrote (the working folder must be left first)."""
    os.chdir(ROOT)
    SCRATCH.cleanup()


def once(name: str, fill: Callable[[Path], object]) -> Path:
    """The folder of this name as `fill` leaves it, whichever process of this run comes first; not to be written into.

    Others wait for it. What was filled by halves is filled again.
    """
    folder, done = Path(SHARED, name), Path(SHARED, f"{name}.done")
    with Path(SHARED, f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fill(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session", autouse=True)
def _session_folder() -> None:
    """Relative paths of session and module fixtures land outside the repository."""
    os.chdir(SCRATCH.name)


@pytest.fixture(scope="session", autouse=True)
def _tracking_tables() -> Iterator[None]:
    """A new tracking database is a copy of an empty one that MLflow has made: it takes seconds over its tables."""
    from forecasting.services.tracking import client

    make_folder, name = client._make_folder, "mlflow.db"

    def copy(database: Path) -> None:
        make_folder(database)
        if not database.exists() and database.parent.name != "empty-tracking":
            template = once("empty-tracking", lambda folder: client.connect(f"{client.SQLITE}{folder}/{name}"))
            shutil.copyfile(template / name, database)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_make_folder", copy)
        yield


@pytest.fixture(autouse=True)
def _test_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Relative paths of a test, a config's store.root above all, land in a folder of its own."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("cwd"))
    yield
    os.chdir(before)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository; tests run elsewhere, so paths into it start here."""
    return ROOT


@pytest.fixture(scope="session")
def configs() -> Path:
    """The folder of the configs that come with the project."""
    return ROOT / "configs"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real sales data that lie beside the repository (../shared/data)."""
    return beside("shared/data")


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """Published and measured results of others that lie beside the repository (../shared/benchmarks)."""
    return beside("shared/benchmarks")


def beside(folder: str) -> Path:
    """The folder beside the repository; skips the test where there is none."""
    path = ROOT.parent / folder
    if not path.is_dir():
        pytest.skip(f"needs the folder {path}, which is not part of the repository")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium for the page tests.

    One per module, not per session: while Playwright's sync API is up, its event loop counts as running in this
    thread, and every asyncio.run of a later test, every Prefect flow too, would fail.
    """
    from playwright.sync_api import sync_playwright

    executable = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGS)
        yield launched
        launched.close()


def chromium() -> str:
    """Path of the browser: $CHROMIUM or the first installed one. Without one the test is skipped, in CI it fails."""
    for name in (os.environ.get("CHROMIUM", "chromium"), "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    stop = pytest.fail if os.environ.get("CI") else pytest.skip
    stop("needs a Chromium: apt-get install chromium, or set CHROMIUM to its path")
