"""What a config may say of a Dask cluster: no connection on which others could run code, no folder that is two."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecasting.config import Config, load
from forecasting.errors import UserError

CERTIFICATES = {"ca_file": "ca.pem", "cert_file": "own.pem"}


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Config]:
    """Reads a config of `engine: dask` with these keys."""

    def read(**keys: Any) -> Config:
        base = {"name": "job", "source": {"path": "sales.csv"}, "freq": "1d", "h": 7, "engine": "dask"}
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(base | {"store": {"root": "/lake"}} | keys))
        return load(tmp_path / "job.yaml")

    return read


@pytest.mark.parametrize(
    "dask",
    [
        {},
        {"workers": 3},
        {"scheduler": "tcp://127.0.0.1:8786"},
        {"scheduler": "127.4.0.1:8786"},
        {"scheduler": "localhost:8786"},
        {"scheduler": "tcp://[::1]:8786"},
        {"scheduler": "tls://scheduler.example:8786", **CERTIFICATES},
        {"scheduler": "tls://scheduler.example:8786"},  # with the certificates of Dask's own configuration
        {"scheduler": "10.0.0.5:8786", **CERTIFICATES, "key_file": "key.pem"},
    ],
)
def test_a_cluster_that_nobody_else_can_reach(job, dask):
    assert job(dask=dask).dask.scheduler == dask.get("scheduler")


@pytest.mark.parametrize(
    ("dask", "message"),
    [
        ({"scheduler": "tcp://10.0.0.5:8786"}, "dask.scheduler: tcp://10.0.0.5:8786 is another machine, and without"),
        ({"scheduler": "10.0.0.5:8786"}, "10.0.0.5:8786 is another machine, and without encryption anybody on the way"),
        ({"scheduler": "tcp://scheduler:8786"}, "write tls://host:port and give dask.ca_file and dask.cert_file"),
        ({"scheduler": "tcp://127.0.0.1.example:8786"}, "without encryption"),
        ({"scheduler": "tcp://0.0.0.0:8786"}, "without encryption"),
        ({"scheduler": "ws://127.0.0.1:8786"}, "ws://127.0.0.1:8786 is no address of a scheduler: write tls://host"),
        ({"scheduler": "tls://scheduler"}, "is no address"),
        ({"scheduler": "tls://scheduler:none"}, "is no address"),
        ({"scheduler": ""}, "is no address"),
        ({"scheduler": "127.0.0.1:8786", "workers": 2}, "dask.workers: is how many to start on this machine"),
        ({"ca_file": "ca.pem"}, "dask.cert_file: must be given"),
        ({"cert_file": "own.pem"}, "dask.ca_file: must be given"),
        ({"key_file": "key.pem"}, "dask.cert_file: must be given with dask.key_file"),
    ],
)
def test_a_cluster_that_is_refused(job, dask, message):
    with pytest.raises(UserError) as raised:
        job(dask=dask)
    assert message in str(raised.value)


def test_a_folder_that_each_machine_takes_for_another_is_refused(job):
    cluster = {"scheduler": "tls://scheduler:8786"}
    with pytest.raises(UserError, match=r"data/lake means another folder on each machine of the cluster"):
        job(dask=cluster, store={"root": "data/lake"})
    for root in ("/mnt/lake", "s3://bucket/lake"):
        assert job(dask=cluster, store={"root": root}).store.root == root
    assert job(dask={}, store={"root": "data/lake"}).dask.scheduler is None
    assert job(engine="local", dask=cluster, store={"root": "data/lake"}).engine == "local"
