"""The online table: the rows of the coming days of every living series, as an API reads them."""

from __future__ import annotations

from datetime import date

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff
from forecasting.features.descriptions import describe_table
from forecasting.steps import session
from forecasting.steps.feature_store.build import EVENT_TIME, KEY
from forecasting.steps.feature_store.maker import maker
from forecasting.steps.feature_store.versions import Order, build_version, forget, registered
from forecasting.steps.registry import Outcome

KEPT = 2
"""The newest version, and the one before it, which a reader may just be reading."""


def online(config: Config, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Publish the feature rows of the h days after `cutoff` (default: the last observed day)."""
    store = session.open_store(config)
    panel = session.open_panel(config, store)
    at = resolve_cutoff(panel, cutoff)
    made = maker(Cut(panel, at, config.h))
    row = {"name": online_name(config), "kind": "online", "lead": None, "cutoff": at, "key": KEY}
    row |= {
        "event_time": EVENT_TIME,
        "description": f"the next {config.h} {config.frequency.unit}s: {describe_table(config, 1)}",
    }
    outcome = build_version(config, panel, Order("features", row, made.columns, made.coming), force=force)
    builds = registered(store, "features", online_name(config))["build"].to_list()
    for old in set(builds[KEPT : 2 * KEPT]) - set(builds[:KEPT]):
        forget(store, old)
    return outcome


def online_name(config: Config) -> str:
    """The name of the online table."""
    return f"{config.name}-online"
