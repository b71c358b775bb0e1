"""Score every model of the recipe on past cutoffs, through the path that makes tonight's forecast."""

from datetime import date
from typing import Any

from prefect import flow

from flows.tasks import chain, run_name


@flow(name="backtest", description=__doc__, flow_run_name=run_name, persist_result=False, result_serializer="json")
def backtest(
    config: str, overrides: dict[str, Any] | None = None, cutoff: date | None = None, force: bool = False
) -> object:
    return chain(["backtest"], config=config, overrides=overrides or {}, cutoff=cutoff, force=force)
