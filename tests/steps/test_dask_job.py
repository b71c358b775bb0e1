"""A whole job on a Dask cluster gives the tables of the local engine, bit by bit, also when a worker is killed."""

import signal
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

pytest.importorskip("distributed", reason="the extra `dask` is not installed")

from forecasting.services.engine.dask_cluster import close
from tests import chain
from tests.dask_workers import Cluster, cluster

pytestmark = [pytest.mark.slow, pytest.mark.system]

JOINT = {"reconcile": {"name": "Joint", "base": "LightGBM", "top": "Sums"}}
BUCKETS = 4


@pytest.fixture(scope="module")
def local() -> chain.Job:
    """The job as processes of this machine do it."""
    job = chain.make(models=[*chain.RECIPE, JOINT])
    job.run(store__buckets=BUCKETS)
    return job


def on_cluster(made: Cluster) -> chain.Job:
    """The same job from the same file, by the workers of the cluster."""
    job = chain.make(models=[*chain.RECIPE, JOINT])
    overrides: dict[str, Any] = {f"dask__{key}": value for key, value in made.keys.items()}
    try:
        job.run(store__buckets=BUCKETS, engine="dask", **overrides)
    finally:
        close()
    return job


def table(job: chain.Job, name: str) -> pl.DataFrame:
    rows = job.table(name)
    order = [c for c in ("cutoff", "model", "grain", "unique_id", "ds", "step") if c in rows.columns]
    return rows.select(pl.all().exclude("recipe")).sort(order)


@pytest.mark.parametrize("fatal", ["", "two"])
def test_two_workers_write_the_tables_of_the_local_engine(tmp_path, local, fatal):
    with cluster(tmp_path, fatal) as made:
        job = on_cluster(made)
        ends = {name: worker.poll() for name, worker in made.workers.items()}
    assert ends == {"one": None, "two": -signal.SIGKILL if fatal else None}
    for name in ("panel", "backtests", "forecasts"):
        rows = table(job, name)
        assert rows.height > 0
        assert_frame_equal(rows, table(local, name), check_exact=True)
    written = {(worker, bucket) for worker, name, bucket in made.written() if name == "backtests"}
    assert {worker for worker, _ in written} == {"one", "two"}
    assert {bucket for _, bucket in written} == set(range(BUCKETS))
