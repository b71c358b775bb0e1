"""The run log: what every step of a job did, in the table `runs`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.config import Config
from forecasting.services.store import Store

if TYPE_CHECKING:
    from forecasting.steps import Outcome
from forecasting.steps.session import open_store


def record(config: Config, outcome: Outcome) -> None:
    """Write down what a step told, in the table `runs`."""
    facts = outcome.facts
    cutoff = facts.get("cutoff")
    row = {
        "step": outcome.step,
        "run_at": datetime.now(UTC),
        "cutoff": date.fromisoformat(cutoff) if cutoff else None,
        "facts": json.dumps(facts | {"reused": outcome.reused}),
    }
    store = open_store(config.model_copy(update={"data_version": None}))
    store.append("runs", pl.DataFrame([row], schema=store.tables["runs"].schema))


def last_facts(store: Store, step: str, key: str) -> dict[str, Any] | None:
    """What the newest run of a step told whose facts bear this `key`; None when there is none."""
    runs = store.scan("runs").filter(pl.col("step") == step).collect().sort("run_at", descending=True)
    told = (json.loads(text) for text in runs["facts"])
    return next(({k: v for k, v in f.items() if k != "reused"} for f in told if f.get("key") == key), None)
