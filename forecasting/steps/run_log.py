"""The run log, table `runs`: `record` appends an outcome {step, facts, reused}, `last_facts` finds one again.

`last_facts` takes the name of a step and the key of its work, and returns the facts {name: JSON value} or None;
`facts_by_key` those of all its runs.
`scan_scored` takes a Store and returns the rows of `backtests` or `scores` that recorded backtests have written: the
record, written last, makes them visible.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.services.store import Store
from forecasting.services.store.unfinished import forget_work

SCORED = ("backtests", "scores")
"""The tables that a backtest writes."""


def record(store: Store, outcome: Mapping[str, Any]) -> None:
    """Append what a step did (`step`, `facts`, `reused`: an Outcome as a dict) to the table `runs`.

    With that its work is published, and nothing is left to be continued.
    """
    facts = outcome["facts"]
    cutoff = facts.get("cutoff")
    row = {
        "step": outcome["step"],
        "run_at": datetime.now(UTC),
        "cutoff": date.fromisoformat(cutoff) if cutoff else None,
        "facts": json.dumps(facts | {"reused": outcome["reused"]}),
    }
    store.append("runs", pl.DataFrame([row], schema=store.tables["runs"].schema))
    forget_work(store, outcome["step"])


def last_facts(store: Store, step: str, key: str) -> dict[str, Any] | None:
    """The facts of the newest run of a step that bear this `key` (the identity of its work); None without one."""
    return facts_by_key(store, step).get(key)


def facts_by_key(store: Store, step: str) -> dict[str, dict[str, Any]]:
    """The facts of all runs of a step by the key of their work, of each key the newest."""
    return {facts["key"]: facts for facts in _recorded_facts(store, step) if "key" in facts}


def _recorded_facts(store: Store, step: str) -> list[dict[str, Any]]:
    """The facts of all runs of a step, the oldest first."""
    runs = store.scan("runs").filter(pl.col("step") == step).collect().sort("run_at")
    recorded = (json.loads(text) for text in runs["facts"])
    return [{k: v for k, v in facts.items() if k != "reused"} for facts in recorded]


def scan_scored(store: Store, name: str, /, **equals: Any) -> pl.LazyFrame:
    """The rows of `backtests` or `scores` that recorded backtests have written; `equals` as in `Store.scan`.

    Nothing is seen of a backtest that is at work or was killed, also where it writes rows of known windows again.
    """
    facts = _recorded_backtests(store)
    rows = store.scan(name, version=_written_version(facts, name), **equals)
    return rows.filter(pl.any_horizontal(pl.lit(value=False), *(_is_of(run, name) for run in facts)))


def scored_tables(store: Store) -> dict[str, int | None]:
    """The versions of the tables as a backtest leaves them, which its facts hold as `tables`."""
    return {name: store.version(name) for name in SCORED}


def versions_in_use(store: Store) -> dict[str, int]:
    """{table: version} of `backtests` and `scores` as `scan_scored` reads them; without those that it reads newest."""
    facts = _recorded_backtests(store)
    versions = {name: _written_version(facts, name) for name in SCORED}
    return {name: version for name, version in versions.items() if version is not None}


def _recorded_backtests(store: Store) -> list[dict[str, Any]]:
    """The facts of all recorded backtests."""
    runs = store.scan("runs").filter(pl.col("step") == "backtest").select("facts").collect()
    return [json.loads(text) for text in runs["facts"]]


def _written_version(facts: list[dict[str, Any]], name: str) -> int | None:
    """The version of a table as the newest of these backtests left it; None: none of them has noted it."""
    return max((run["tables"][name] for run in facts if "tables" in run), default=None)


def _is_of(run: Mapping[str, Any], name: str) -> pl.Expr:
    """Whether a row is of this backtest: of its recipe and, where rows are those of windows, of these."""
    of_recipe: pl.Expr = pl.col("recipe") == run["recipe"]
    if name == "scores":
        return of_recipe
    windows = [date.fromisoformat(text) for text in (*run["cutoffs"], *run.get("calibration", ()))]
    return of_recipe & pl.col("cutoff").is_in(windows)
