"""The run log, table `runs`: `record` appends an outcome {step, facts, reused}, `last_facts` finds one again.

`last_facts` takes the name of a step and the key of its work, and returns the facts {name: JSON value} or None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.services.store import Store


def record(store: Store, outcome: Mapping[str, Any]) -> None:
    """Append what a step did (`step`, `facts`, `reused`: an Outcome as a dict) to the table `runs`."""
    facts = outcome["facts"]
    cutoff = facts.get("cutoff")
    row = {
        "step": outcome["step"],
        "run_at": datetime.now(UTC),
        "cutoff": date.fromisoformat(cutoff) if cutoff else None,
        "facts": json.dumps(facts | {"reused": outcome["reused"]}),
    }
    store.append("runs", pl.DataFrame([row], schema=store.tables["runs"].schema))


def last_facts(store: Store, step: str, key: str) -> dict[str, Any] | None:
    """The facts of the newest run of a step that bear this `key` (the identity of its work); None without one."""
    runs = store.scan("runs").filter(pl.col("step") == step).collect().sort("run_at", descending=True)
    recorded = (json.loads(text) for text in runs["facts"])
    return next(
        ({k: v for k, v in facts.items() if k != "reused"} for facts in recorded if facts.get("key") == key), None
    )
