"""From raw files to the panel: good rows are merged, bad rows are kept aside with their reason."""

from datetime import date
from typing import Any

from prefect import flow

from flows.tasks import chain, run_name


@flow(name="ingest", description=__doc__, flow_run_name=run_name, persist_result=False, result_serializer="json")
def ingest(
    config: str, overrides: dict[str, Any] | None = None, cutoff: date | None = None, force: bool = False
) -> object:
    return chain(["ingest"], config=config, overrides=overrides or {}, cutoff=cutoff, force=force)
