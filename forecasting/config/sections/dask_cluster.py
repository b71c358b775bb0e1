"""Section about a cluster: DaskCluster says where its scheduler is, or how many workers to start here.

Declarations only.
"""

from __future__ import annotations

from pydantic import Field

from forecasting.config.declarations import Section
from forecasting.config.value_types import StrictInt


class DaskCluster(Section):
    """The Dask cluster whose workers walk the buckets."""

    scheduler: str | None = Field(
        default=None,
        description="Address of a running scheduler: tls://host:port, or on this machine also tcp://127.0.0.1:port. "
        "Null: a cluster is started on this machine for the time of the run.",
    )
    workers: StrictInt | None = Field(
        default=None, ge=1, description="Workers to start on this machine; null: one for each core."
    )
    ca_file: str | None = Field(
        default=None,
        description="Certificate (PEM) of the authority that signed those of the cluster; null: as Dask is configured.",
    )
    cert_file: str | None = Field(default=None, description="Own certificate (PEM), which the cluster asks for.")
    key_file: str | None = Field(
        default=None, description="Private key (PEM) of the own certificate; null: it stands in cert_file."
    )
