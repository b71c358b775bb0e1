"""The Dask engine on real clusters: order, errors, workers that die, certificates, and whom it refuses."""

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="the extra `dask` is not installed")

import psutil

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.io import files
from forecasting.services.engine import ONE_THREAD, DaskEngine, LocalEngine, WorkError, build_engine
from forecasting.services.engine import dask_engine as waiting
from forecasting.services.engine.dask_cluster import close
from forecasting.services.engine.dask_task import PROBE, Task, installed_versions
from tests.dask_workers import Cluster, certificates, cluster
from tests.engine_work import picky
from tests.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.system]


def engine(root: Path, **dask: Any) -> DaskEngine:
    job = {"name": "job", "source": {"path": "sales.csv"}, "freq": "1d", "h": 7, "store": {"root": str(root)}}
    built = build_engine(Config.model_validate(job | {"engine": "dask", "dask": dask}))
    assert isinstance(built, DaskEngine)
    return built


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers behind a scheduler with certificates."""
    folder = tmp_path_factory.mktemp("cluster")
    keys = certificates(folder)
    tls = [f"--tls-{option}={keys[key]}" for option, key in (("ca-file", "ca_file"), ("cert", "cert_file"))]
    with cluster(folder, tls=[*tls, f"--tls-key={keys['key_file']}"], **keys) as made:
        yield made
        close()


@pytest.fixture
def running(started: Cluster, tmp_path: Path) -> DaskEngine:
    return engine(tmp_path, **started.keys)


def square(n: int) -> int:
    time.sleep(0.02 * max(0, 5 - n))
    return n * n


def who(_: int) -> int:
    time.sleep(0.2)
    return os.getpid()


def alone(folder: Path, n: int) -> int:
    """How many work on an item in this process at the same time."""
    mark = folder / f"{os.getpid()}-{n}"
    mark.touch()
    time.sleep(0.1)
    at_work = len(list(folder.glob(f"{os.getpid()}-*")))
    mark.unlink()
    return at_work


def die_once(folder: Path, n: int) -> int:
    """The process ends where it is the first to take item 1."""
    if n == 1 and not (folder / "died").exists():
        (folder / "died").write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def test_results_come_in_the_order_of_the_items_from_both_workers(running, started):
    assert list(running.map(square, iter(range(9)))) == [n * n for n in range(9)]
    assert set(running.map(who, range(8))) == {worker.pid for worker in started.workers.values()}
    assert list(running.map(square, [])) == []
    assert list(running.map(who, [1])) == [os.getpid()]


def test_what_is_not_divided_is_done_by_one_worker(running, started):
    assert running.run(who, 1) in {worker.pid for worker in started.workers.values()}


def test_an_error_names_its_item_and_a_users_mistake_passes_as_it_is(running):
    results = running.map(picky, range(6))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(WorkError, match=r"^3: KeyError: 'no such store'$") as raised:
        next(results)
    assert isinstance(raised.value.__cause__, KeyError)
    with pytest.raises(UserError, match=r"^Column promo is missing: name it in the config\.$"):
        list(running.map(picky, [4, 5, 6]))


def test_what_nobody_waits_for_is_taken_back_and_nothing_is_left_in_the_store(running):
    results = running.map(who, range(100))
    next(results)
    results.close()
    assert list(running.map(square, [1, 2])) == [1, 4]
    assert list(Path(running.scratch).iterdir()) == []


def test_in_a_worker_it_is_a_local_engine_of_one(running):
    assert pickle.loads(pickle.dumps(running)) == LocalEngine(1)


def test_a_worker_that_does_not_see_the_store_says_so(running, tmp_path):
    task = Task.of(square, installed_versions(), f"{tmp_path}/elsewhere")
    with pytest.raises(UserError, match=r"does not see .*/elsewhere .*store\.root must be a folder that all machines"):
        task(1)


def test_a_worker_with_another_version_says_so(tmp_path):
    files.write(str(tmp_path), PROBE, b"")
    other = tuple((name, "9.9" if name == "polars" else version) for name, version in installed_versions())
    with pytest.raises(UserError, match=r"has polars [\d.]+, and the run 9\.9: install the same versions on all"):
        Task.of(square, other, str(tmp_path))(1)


def test_a_worker_of_several_threads_does_one_item_at_a_time(tmp_path):
    files.write(str(tmp_path), PROBE, b"")
    (work := tmp_path / "work").mkdir()
    task, seen = Task.of(partial(alone, work), installed_versions(), str(tmp_path)), []
    threads = [threading.Thread(target=lambda n=n: seen.append(task(n))) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1, 1, 1]


def test_without_the_certificates_nobody_gets_in(started, tmp_path, tmp_path_factory):
    foreign = certificates(tmp_path_factory.mktemp("foreign"))
    for keys in (foreign, {}):
        with pytest.raises(
            UserError, match=r"dask\.scheduler: (no scheduler answers at tls://127|tls://.* needs cert)"
        ):
            list(engine(tmp_path, scheduler=started.keys["scheduler"], **keys).map(square, [1, 2]))


def test_certificates_that_are_none_are_named(started, tmp_path):
    (tmp_path / "empty.pem").write_text("none")
    keys = dict(started.keys)
    with pytest.raises(UserError, match=r"dask\.key_file: there is no file /nowhere/key\.pem"):
        list(engine(tmp_path, **keys | {"key_file": "/nowhere/key.pem"}).map(square, [1, 2]))
    with pytest.raises(UserError, match=r"dask\.cert_file: the certificates cannot be used .*: give PEM files"):
        list(engine(tmp_path, **keys | {"ca_file": str(tmp_path / "empty.pem")}).map(square, [1, 2]))


def test_a_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("forecasting.services.engine.dask_cluster.CONNECT_SECONDS", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(UserError, match=rf"dask\.scheduler: no scheduler answers at {address} .*: start it, or"):
        list(engine(tmp_path, scheduler=address).map(square, [1, 2]))


def test_the_work_of_a_worker_that_dies_is_done_by_the_other_one(tmp_path, monkeypatch):
    with cluster(tmp_path) as made:
        running = engine(tmp_path / "lake", **made.keys)
        assert list(running.map(partial(die_once, tmp_path), range(6))) == list(range(6))
        dead = next(worker for worker in made.workers.values() if worker.pid == int((tmp_path / "died").read_text()))
        assert dead.wait(30) == -signal.SIGKILL
        for worker in made.workers.values():
            worker.kill()
        monkeypatch.setattr(waiting, "ROUND", 0.5)
        monkeypatch.setattr(waiting, "ROUNDS_WITHOUT_WORKERS", 6)
        with pytest.raises(UserError, match=r"the scheduler tcp://127.* has had no worker for .* minutes: start some"):
            list(running.map(square, range(3)))
        close()


def threads(_: int) -> tuple[int, dict[str, str | None]]:
    import polars as pl

    return pl.thread_pool_size(), {name: os.environ.get(name) for name in ONE_THREAD}


def test_workers_that_are_started_here_have_one_thread_each(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    here = engine(tmp_path, workers=2)
    assert list(here.map(threads, range(4))) == [(1, ONE_THREAD)] * 4
    assert os.environ["OMP_NUM_THREADS"] == "2"
    workers = set(here.map(who, range(6)))
    assert os.getpid() not in workers
    assert len(workers) == 2
    assert here.run(who, 1) == os.getpid()
    own = {os.getpid(), *workers}
    assert {c.laddr.ip for pid in own for c in psutil.Process(pid).net_connections() if c.status == "LISTEN"} == {
        "127.0.0.1"
    }
    close()
