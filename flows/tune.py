"""Search options of LightGBM on windows before the reported ones; the best are written as a config to review."""

from datetime import date
from typing import Any

from prefect import flow

from flows.tasks import chain, run_name


@flow(name="tune", description=__doc__, flow_run_name=run_name, persist_result=False, result_serializer="json")
def tune(
    config: str,
    overrides: dict[str, Any] | None = None,
    cutoff: date | None = None,
    force: bool = False,
    asked: dict[str, Any] | None = None,
) -> object:
    return chain(["tune"], config=config, overrides=overrides or {}, cutoff=cutoff, force=force, asked=asked or {})
