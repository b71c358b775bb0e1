"""The step maintain: `maintain` keeps the tables of a Session small and quick to read, and returns an Outcome.

It refreshes the online feature rows where a job has such a table, deletes rows of replaced feature tables, merges small
files, and removes versions that are older than `store.retention`. No content that a reader can see changes but that of
the feature tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import LOADED_TABLES
from forecasting.errors import UserError
from forecasting.services import log
from forecasting.services.store.draft import exclusive_load
from forecasting.services.store.maintenance import MANY_FILES, SHORTEST_RETENTION, compact, vacuum
from forecasting.services.store.vintages import forecasts_versions_in_use
from forecasting.steps import run_log
from forecasting.steps.feature_store.offline import delete_expired_rows
from forecasting.steps.feature_store.online import online_name, publish_online_table
from forecasting.steps.feature_store.versions import read_versions
from forecasting.steps.ingestion.load_state import clear_shelf
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.session import Session, find_load


def maintain(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Refresh, merge and remove; loads wait meanwhile, readers do not.

    The versions that the newest load, the loads of champion and challenger, recorded backtests and published forecasts
    name are kept, however old. `cutoff`
    is that of the online feature rows; `force` builds these again, and merges files also where there are few. The facts
    are retention (days), merged and removed ({table: files}), and online (the version of the online table, None without
    one). Raises UserError when nothing was loaded.
    """
    config, store = session.config, session.store
    if store.version("panel") is None:
        raise UserError("no data are loaded yet", where=config.name, needs="ingest")
    online = _refresh_feature_rows(session, cutoff, force=force)
    days = max(config.store.retention, SHORTEST_RETENTION)
    with exclusive_load(store.root):
        clear_shelf(store)
        with log.step("compact"):
            merged = compact(store, 1 if force else MANY_FILES)
        with log.step("vacuum", days=days):
            removed = vacuum(store, days, _versions_in_use(session))
    facts: dict[str, Any] = {"retention": days, "merged": merged, "removed": removed, "online": None}
    if online:
        facts["online"] = {"version": online.facts["version"], "cutoff": online.facts["cutoff"]}
    return Outcome("maintain", facts, reused=not merged and not removed and (online is None or online.reused))


def _refresh_feature_rows(session: Session, cutoff: date | None, *, force: bool) -> Outcome | None:
    """The outcome of the online table; None for a job that has never built one."""
    name, online = online_name(session.config), None
    if read_versions(session.store, "features", name).height:
        online = publish_online_table(session, cutoff, force=force)
    for built in sorted(set(session.store.scan("features").select("name").collect()["name"]) - {name}):
        delete_expired_rows(session, built)
    return online


def _versions_in_use(session: Session) -> dict[str, set[int]]:
    """{table: versions} that readers get today: of the newest load, recorded backtests and published forecasts."""
    newest = find_load(_newest_data(session.config), session.store) or {}
    used = {name: {newest[name]} for name in LOADED_TABLES if newest.get(name) is not None}
    for load in _loads_of_serving(session):
        for name in LOADED_TABLES:
            used.setdefault(name, set()).update({load.get(name)} - {None})
    used |= {name: {version} for name, version in run_log.versions_in_use(session.store).items()}
    return used | ({"forecasts": made} if (made := forecasts_versions_in_use(session.store)) else {})


def _loads_of_serving(session: Session) -> Iterator[dict[str, Any]]:
    """The loads that champion and challenger were trained on, as far as they are kept: by them these can be checked."""
    serving = session.registry.versions().filter(pl.col("aliases").list.len() > 0)
    for tags in serving["tags"]:
        of_training = session.config.model_copy(update={"data_version": int(json.loads(tags)["data_version"])})
        with suppress(UserError):
            yield find_load(of_training, session.store) or {}


def _newest_data(config: Config) -> Config:
    return config.model_copy(update={"data_version": None})


def summarize(facts: Facts) -> list[Section]:
    """The summary: how many files were merged and removed, and the version of the online feature table."""
    merged, removed, online = facts["merged"], facts["removed"], facts["online"]
    lines = [
        f"small files merged: {_count(merged)}",
        f"files of versions older than {facts['retention']} days removed: {_count(removed)}",
    ]
    if online:
        lines.append(f"online feature rows: version {online['version']}, for the days after {online['cutoff']}")
    return [Section("Maintenance", tuple(lines))]


def _count(files: Facts) -> str:
    return ", ".join(f"{n:,} of {name}" for name, n in files.items()) or "none"
