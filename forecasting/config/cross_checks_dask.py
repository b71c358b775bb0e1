"""Checks of the keys of `dask`: `find_dask_conflicts` takes a config and yields (dotted key, message).

Whoever can send a message to a member of a Dask cluster can run code there, so that connections to other machines need
certificates of both sides. No address is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from forecasting.config.derived import DerivedKeys


def find_dask_conflicts(c: DerivedKeys) -> Iterator[tuple[str, str]]:
    """What cannot work, or would let others run code, as (dotted key, message)."""
    dask = c.dask
    if dask.key_file and not dask.cert_file:
        yield "dask.cert_file", "must be given with dask.key_file: name the certificate of the key"
    if (dask.ca_file is None) != (dask.cert_file is None):
        missing = "ca_file" if dask.ca_file is None else "cert_file"
        yield f"dask.{missing}", "must be given: certificates of both sides are checked"
    if dask.scheduler is None:
        return
    if dask.workers:
        yield (
            "dask.workers",
            "is how many to start on this machine, and dask.scheduler has its own: leave one of the two out",
        )
    place = split_address(dask.scheduler)
    if place is None:
        yield "dask.scheduler", f"{dask.scheduler} is no address of a scheduler: write tls://host:port"
    elif place.scheme == "tcp" and not dask.ca_file and not is_loopback(place.hostname or ""):
        yield (
            "dask.scheduler",
            f"{dask.scheduler} is another machine, and without encryption anybody on the way could run code there: "
            "start the cluster with certificates, write tls://host:port and give dask.ca_file and dask.cert_file",
        )
    if c.engine == "dask" and "://" not in c.store.root and not c.store.root.startswith("/"):
        yield (
            "store.root",
            f"{c.store.root} means another folder on each machine of the cluster: "
            "give a path from / that all of them see, or s3://...",
        )


def split_address(address: str) -> SplitResult | None:
    """The parts of a scheduler's address, which is tcp:// unless it names another scheme; None for any other text."""
    try:
        place = urlsplit(address if "://" in address else f"tcp://{address}")
        complete = place.hostname and place.port
    except ValueError:
        return None
    return place if complete and place.scheme in ("tcp", "tls") else None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, so that messages to it leave it nowhere."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
