"""The versions of a job: `list_versions` takes a Session and returns one row each, with scores and why it was promoted.

Scores are those of the backtest that the version was trained after, and of its forecasts whose actuals have come.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl

from forecasting.steps import run_log
from forecasting.steps.lifecycle.champions import list_promotions
from forecasting.steps.queries.status import read_run_facts
from forecasting.steps.session import Session

LISTING: dict[str, pl.DataType] = {
    "version": pl.Int64(),
    "role": pl.String(),
    "cutoff": pl.Date(),
    "model": pl.String(),
    "wape": pl.Float64(),
    "bias": pl.Float64(),
    "live_wape": pl.Float64(),
    "live_n": pl.Int64(),
    "identity": pl.String(),
    "recipe": pl.String(),
    "data_version": pl.Int64(),
    "registered": pl.Datetime("us", "UTC"),
    "run_id": pl.String(),
    "why": pl.String(),
}
"""The columns of a listing; `role` is champion, challenger or null, `live_n` the rows behind `live_wape`."""


def list_versions(session: Session) -> pl.DataFrame:
    """One row per registered version (LISTING), the newest first; without rows before the first training."""
    registry = session.registry
    promotions, backtests = list_promotions(registry), run_log.facts_by_key(session.store, "backtest")
    newest = {p.version: p for p in reversed(promotions)}
    live = _live_scores(session)
    rows = []
    for version in registry.versions().iter_rows(named=True):
        tags, number = json.loads(version["tags"]), version["version"]
        known = {"version": number, "role": _role(version["aliases"]), "model": tags["champion"]}
        known |= {name: tags[name] for name in ("identity", "recipe")}
        known |= {"cutoff": date.fromisoformat(tags["cutoff"]), "data_version": int(tags["data_version"])}
        known |= {"registered": version["created"], "run_id": version["run_id"], "why": tags.get("gate")}
        if (last := newest.get(number)) and last.how != "gate":
            known["why"] = f"{last.reason} ({last.how}, {last.by}, {last.at[:16]}Z)"
        rows.append(known | _score(backtests.get(tags["identity"], {}), tags["champion"]) | live.get(number, {}))
    return pl.DataFrame(rows, schema=LISTING)


def _role(aliases: list[str]) -> str | None:
    return next((role for role in ("champion", "challenger") if role in aliases), None)


def _score(facts: dict[str, Any], model: str) -> dict[str, float | None]:
    """WAPE and bias of a model on single series, over all windows of a backtest."""
    scores = (s for s in facts.get("scores", ()) if s.get("model") == model and s.get("grain") == "series")
    found: dict[str, Any] = next(scores, {})
    return {name: found.get(name) for name in ("wape", "bias")}


def _live_scores(session: Session) -> dict[int, dict[str, Any]]:
    """By version, the mean WAPE of its forecasts whose actuals have come, as last monitored, weighted by rows."""
    facts = read_run_facts(session, "monitor")
    rows = [row for name in ("realised", "shadows") for row in facts.get(name, ())]
    sums: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row.get("wape") is not None:
            known = sums.setdefault(row["version"], {"live_wape": 0.0, "live_n": 0})
            known["live_wape"] += row["wape"] * row["n"]
            known["live_n"] += int(row["n"])
    return {version: known | {"live_wape": known["live_wape"] / known["live_n"]} for version, known in sums.items()}
