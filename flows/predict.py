"""Forecast with the champion and publish a vintage."""

from datetime import date
from typing import Any

from prefect import flow

from flows.tasks import chain, run_name


@flow(name="predict", description=__doc__, flow_run_name=run_name, persist_result=False, result_serializer="json")
def predict(
    config: str, overrides: dict[str, Any] | None = None, cutoff: date | None = None, force: bool = False
) -> object:
    return chain(["predict"], config=config, overrides=overrides or {}, cutoff=cutoff, force=force)
