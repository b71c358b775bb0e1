"""The main job: from raw files to published forecasts, and a look at how past ones did."""

from datetime import date
from typing import Any

from prefect import flow

from flows.tasks import chain, run_name

STEPS = ("ingest", "backtest", "train", "predict", "monitor")


@flow(name="pipeline", description=__doc__, flow_run_name=run_name, persist_result=False, result_serializer="json")
def pipeline(
    config: str, overrides: dict[str, Any] | None = None, cutoff: date | None = None, force: bool = False
) -> object:
    return chain(STEPS, config=config, overrides=overrides or {}, cutoff=cutoff, force=force)
