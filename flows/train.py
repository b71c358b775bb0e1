"""Fit the recipe on all that is known and register the bundle; the gate decides whether it becomes champion."""

from datetime import date
from typing import Any

from prefect import flow

from flows.tasks import chain, run_name


@flow(name="train", description=__doc__, flow_run_name=run_name, persist_result=False, result_serializer="json")
def train(
    config: str, overrides: dict[str, Any] | None = None, cutoff: date | None = None, force: bool = False
) -> object:
    return chain(["train"], config=config, overrides=overrides or {}, cutoff=cutoff, force=force)
