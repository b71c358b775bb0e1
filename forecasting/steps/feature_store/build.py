"""Offline feature tables: the whole past of every series, one table for each lead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff
from forecasting.features.descriptions import describe_table
from forecasting.services.store import Store
from forecasting.steps import session
from forecasting.steps.feature_store.maker import maker
from forecasting.steps.feature_store.versions import Order, build_version, forget, registered
from forecasting.steps.registry import Outcome

KEY = "unique_id, ds"
EVENT_TIME = "ds less lead periods: the newest sale that a row may see"


def build(
    config: Config, leads: Sequence[int] = (), years: float | None = None, *, force: bool = False
) -> list[Outcome]:
    """Build the feature table of each lead (default: of the first block) at the newest cutoff, of the last `years`
    only when they are given; raises UserError for a lead beyond the horizon.
    """
    store = session.open_store(config)
    panel = session.open_panel(config, store)
    made = maker(Cut(panel, resolve_cutoff(panel, None), config.h))
    outcomes = []
    for lead in checked(config, leads):
        first = _first(config, made.cut.cutoff, years)
        row = {"name": name_of(config, lead), "kind": "offline", "lead": lead, "cutoff": made.cut.cutoff}
        row |= {"description": describe_table(config, lead), "key": KEY, "event_time": EVENT_TIME}
        row |= {"first": first} if first else {}
        order = Order("features", row, made.columns, partial(made.past, lead, first))
        outcomes.append(build_version(config, panel, order, force=force))
        _expire(config, store, order.name)
    return outcomes


def name_of(config: Config, lead: int) -> str:
    """The name of the feature table of a lead."""
    return f"{config.name}-lead-{lead}"


def checked(config: Config, leads: Sequence[int]) -> tuple[int, ...]:
    """The leads, the first block's when there are none; raises UserError for one beyond the horizon."""
    for lead in leads:
        if not 1 <= lead <= config.h:
            raise config.fault("h", f"lead {lead}: a lead is from 1 to h = {config.h}")
    return tuple(dict.fromkeys(leads)) or config.block_ends[:1]


def _first(config: Config, cutoff: date, years: float | None) -> date | None:
    return None if years is None else config.frequency.shift(cutoff, 1 - max(1, round(years * config.frequency.year)))


def _expire(config: Config, store: Store, name: str) -> None:
    """Take away rows of versions that were followed by another one more than store.retention days ago."""
    versions = registered(store, "features", name)
    limit = datetime.now(UTC) - timedelta(days=config.store.retention)
    old = versions.filter(pl.col("built_at").shift(1) < limit)
    kept = versions.filter(pl.col("built_at").shift(1).is_null() | (pl.col("built_at").shift(1) >= limit))
    stored = set(store.scan("feature_rows").select(pl.col("build").unique()).collect()["build"])
    for gone in (set(old["build"]) - set(kept["build"])) & stored:
        forget(store, gone)
