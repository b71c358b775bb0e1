"""The engine with real worker processes: order, threads, errors, ends."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecasting.errors import UserError
from forecasting.services.engine import ONE_THREAD, LocalEngine, WorkError, idle_pools, local
from tests.engine_work import picky


def square(n: int) -> int:
    """Slower for smaller numbers, so that later items are done before earlier ones."""
    time.sleep(0.02 * max(0, 5 - n))
    return n * n


def who(_: int) -> int:
    return os.getpid()


def threads(_: int) -> tuple[int, dict[str, str | None]]:
    import polars as pl

    return pl.thread_pool_size(), {name: os.environ.get(name) for name in ONE_THREAD}


def imported(_: int) -> set[str]:
    """What is there when a worker starts; what a library did not need can still be imported."""
    found = {name for name, module in sys.modules.items() if module}
    import dask  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    return found


def die(n: int) -> int:
    if n == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def note(path: Path) -> str:
    """Leave a mark, then work for longer than any test waits."""
    path.write_text(str(os.getpid()))
    if path.stem != "first":
        time.sleep(300)
    return path.stem


def unpicklable(_: int) -> object:
    return lambda: None


LEAN = local.LEAN


@pytest.fixture(autouse=True)
def _bare_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers import nothing when they start: what they do here needs no library that other tests have imported."""
    monkeypatch.setattr(local, "LEAN", {})


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(LocalEngine(workers).map(square, iter(range(9)))) == [n * n for n in range(9)]


@pytest.mark.parametrize(("items", "workers"), [([1, 2, 3], 1), ([1], 4), ([1, 2], 0)])
def test_one_worker_or_one_item_stays_in_this_process(items: list[int], workers: int) -> None:
    assert set(LocalEngine(workers).map(who, items)) == {os.getpid()}


def test_no_items_no_results() -> None:
    assert list(LocalEngine(4).map(square, [])) == []


def test_a_pool_is_other_processes_and_no_more_than_asked_for() -> None:
    workers = set(LocalEngine(2).map(who, range(12)))
    assert os.getpid() not in workers
    assert len(workers) <= 2


def test_the_next_call_finds_the_workers_of_the_last_one_and_they_end_when_none_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = set(LocalEngine(2).map(who, range(12)))
    assert set(LocalEngine(2).map(who, range(12))) & first  # one of them may do all that little work
    monkeypatch.setattr(idle_pools, "IDLE", 0.1)
    list(LocalEngine(2).map(who, range(12)))
    deadline = time.monotonic() + 30
    while children():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not set(LocalEngine(2).map(who, range(12))) & first


def test_workers_end_when_they_may_rest_and_the_next_call_has_new_ones(no_pool: None) -> None:
    first = set(LocalEngine(2).map(who, range(12)))
    LocalEngine(2).rest()
    assert not {child.pid for child in children()} & first
    assert not set(LocalEngine(2).map(who, range(12))) & first


def test_workers_that_died_idle_are_replaced() -> None:
    first = set(LocalEngine(2).map(who, range(12)))
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    for child in children():
        child.join(10)
    time.sleep(0.5)  # until the pool has noticed
    assert len(list(LocalEngine(2).map(who, range(12)))) == 12


def test_results_are_handed_over_as_they_are_done() -> None:
    seen: list[int] = []

    def keep(n: int) -> int:
        seen.append(n)
        return n

    results = LocalEngine(1).map(keep, range(3))
    assert next(results) == 0
    assert seen == [0]


def test_workers_use_one_thread_and_this_process_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    for pool_size, environment in LocalEngine(2).map(threads, range(3)):
        assert pool_size == 1
        assert environment == ONE_THREAD
    assert os.environ["OMP_NUM_THREADS"] == "2"
    for setting in LocalEngine(2).map(os.getenv, ["_RJEM_MALLOC_CONF"] * 3):  # after that of Polars, so it counts
        assert str(setting).endswith("dirty_decay_ms:3000,muzzy_decay_ms:0")
    assert "MKL_NUM_THREADS" not in os.environ


@pytest.fixture
def no_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no call had left its workers to the next one."""
    monkeypatch.setattr(idle_pools, "_idle", {})


def test_workers_import_what_this_process_has_without_packages_that_no_model_uses(
    no_pool: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lightgbm  # noqa: F401
    import statsforecast.models  # noqa: F401

    monkeypatch.setattr(local, "LEAN", LEAN)
    at_start = next(LocalEngine(2).map(imported, range(2)))
    assert {"lightgbm", "statsforecast.models"} <= at_start
    assert not {"sklearn", "dask"} & at_start


def test_an_error_ends_the_workers(no_pool: None) -> None:
    before = {child.pid for child in children()}
    with pytest.raises(WorkError):
        list(LocalEngine(2).map(picky, range(6)))
    assert {child.pid for child in children()} <= before


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_names_its_item_and_keeps_its_cause(workers: int) -> None:
    results = LocalEngine(workers).map(picky, range(6))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(WorkError, match=r"^3: KeyError: 'no such store'$") as raised:
        next(results)
    assert isinstance(raised.value.__cause__, KeyError)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_users_mistake_passes_as_it_is(workers: int) -> None:
    with pytest.raises(UserError, match=r"^Column promo is missing: name it in the config\.$"):
        list(LocalEngine(workers).map(picky, [4, 5, 6]))


def test_a_worker_that_is_killed_ends_the_work_with_a_hint() -> None:
    with pytest.raises(WorkError, match="memory ran out"):
        list(LocalEngine(2).map(die, range(4)))


def test_a_result_that_cannot_travel_is_told() -> None:
    with pytest.raises(WorkError, match=r"^0: .*pickle"):
        list(LocalEngine(2).map(unpicklable, range(2)))


def children() -> list[multiprocessing.Process]:
    return [child for child in multiprocessing.active_children() if child.name.startswith("SpawnProcess")]


@pytest.fixture
def marks(tmp_path: Path) -> list[Path]:
    return [tmp_path / "first", tmp_path / "second", tmp_path / "third"]


def started(mark: Path) -> int:
    """The worker that works on the item, awaited."""
    for _ in range(300):
        if mark.exists() and (text := mark.read_text()):
            return int(text)
        time.sleep(0.1)
    raise AssertionError(f"{mark.name} was never begun")


def interrupt(results: Iterator[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)  # type: ignore[attr-defined]


def leave(results: Iterator[str]) -> None:
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("end", [interrupt, leave])
def test_an_interrupt_or_a_lost_interest_ends_workers_at_work(marks: list[Path], end) -> None:
    results = LocalEngine(2).map(note, marks)
    assert next(results) == "first"
    at_work = started(marks[1])
    end(results)
    assert at_work not in [child.pid for child in children()]


PARENT = """
import sys
from pathlib import Path
from forecasting.services.engine import local
from forecasting.services.engine import LocalEngine
from tests.services.test_engine import note
if __name__ == "__main__":
    list(LocalEngine(2).map(note, [Path(name) for name in sys.argv[1:]]))
"""


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path, root: Path) -> None:
    """They would go on writing beside the next run."""
    marks = [tmp_path / "second", tmp_path / "third"]
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    words, path = [sys.executable, str(script), *map(str, marks)], {"PYTHONPATH": str(root)}
    with subprocess.Popen(words, env=os.environ | path) as parent:
        workers = [started(mark) for mark in marks]
        parent.kill()
    for _ in range(300):
        if not any(Path(f"/proc/{worker}").exists() for worker in workers):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("a worker outlived its parent")
