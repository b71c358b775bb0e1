"""The door to Dask: `connect` takes a config and returns the client of its cluster, made once for each process.

The cluster is a running one, whose address the config gives, or workers that are started on this machine and end with
this process. Members of a cluster unpickle what they are sent, so connections are encrypted and checked on both sides,
except those to a scheduler on this machine that was started without certificates.
"""

from __future__ import annotations

import atexit
import os
import threading
from functools import cache
from pathlib import Path
from ssl import SSLError
from typing import Any

from forecasting.config import Config
from forecasting.config.cross_checks_dask import split_address
from forecasting.services.engine.local import WORKER_ENVIRONMENT, worker_environment

CONNECT_SECONDS = 30
"""How long a scheduler may take to answer."""

_clients: dict[str, Any] = {}
_lock = threading.Lock()


def connect(config: Config) -> Any:
    """The client of the cluster that the config names; raises UserError when there is none to be had."""
    key = config.dask.model_dump_json()
    with _lock:
        client = _clients.get(key)
        if client is None or client.status != "running":
            client = _clients[key] = _open(config)
            _close_at_exit()
        return client


def close() -> None:
    """End all connections, and the workers that were started here."""
    with _lock:
        while _clients:
            _, client = _clients.popitem()
            client.close()
            if client.cluster is not None:
                client.cluster.close()


@cache
def _close_at_exit() -> None:
    atexit.register(close)


def _open(config: Config) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise config.fault("engine", f"dask needs the package {error.name}: install demandcast[dask]") from None
    if config.dask.scheduler is None:
        return Client(_start_here(config), set_as_default=False)
    address, security = _address(config), _security(config)
    if address.startswith("tls:") and not security.get_connection_args("client")["ssl_context"]:
        raise config.fault("dask.scheduler", f"{address} needs certificates: give dask.ca_file and dask.cert_file")
    try:
        return Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error.__cause__ or error).split())[:200]
        raise config.fault(
            "dask.scheduler", f"no scheduler answers at {address} ({reason}): start it, or correct the address"
        ) from error


def _start_here(config: Config) -> Any:
    """Workers of one thread each, with certificates that exist in memory only: no other user can send them anything."""
    from distributed import LocalCluster, Security

    with worker_environment():
        return LocalCluster(
            n_workers=config.dask.workers or os.cpu_count() or 1,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            memory_limit=0,  # a bucket at a time needs no limit, and one would end workers that are doing well
            security=Security.temporary(),
            env=WORKER_ENVIRONMENT,
        )


def _address(config: Config) -> str:
    """The address of the scheduler; where the config names certificates, connections are by TLS."""
    place = split_address(str(config.dask.scheduler))
    assert place, "a Config holds no other address"
    return f"{'tls' if config.dask.ca_file else place.scheme}://{place.netloc}"


def _security(config: Config) -> Any:
    """Certificates of the config, else those of Dask's own configuration; raises UserError when they are no use."""
    from distributed import Security

    files = {key: getattr(config.dask, key) for key in ("ca_file", "cert_file", "key_file")}
    for key, file in files.items():
        if file and not Path(file).is_file():
            raise config.fault(f"dask.{key}", f"there is no file {file}: give the path of a PEM file")
    named = {"tls_ca_file": "ca_file", "tls_client_cert": "cert_file", "tls_client_key": "key_file"}
    security = Security(**{name: files[key] for name, key in named.items() if files[key]})
    try:
        security.get_connection_args("client")
    except (OSError, SSLError) as error:
        raise config.fault("dask.cert_file", f"the certificates cannot be used ({error}): give PEM files") from None
    return security
