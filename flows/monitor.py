"""Compare the newest weeks with the same weeks a year before, and score past forecasts whose actuals have come."""

from datetime import date
from typing import Any

from prefect import flow

from flows.tasks import chain, run_name


@flow(name="monitor", description=__doc__, flow_run_name=run_name, persist_result=False, result_serializer="json")
def monitor(
    config: str, overrides: dict[str, Any] | None = None, cutoff: date | None = None, force: bool = False
) -> object:
    return chain(["monitor"], config=config, overrides=overrides or {}, cutoff=cutoff, force=force)
