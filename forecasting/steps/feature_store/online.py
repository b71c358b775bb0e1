"""The online feature table: `publish_online_table` stores rows of the h coming periods of every active series.

It takes a Session and a cutoff, and returns an Outcome; only the rows of the two newest versions are kept. An API reads
them by `queries.read_online_rows`.
"""

from __future__ import annotations

from datetime import date

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff
from forecasting.features.descriptions import describe_table
from forecasting.steps.feature_store.offline import EVENT_TIME, KEY
from forecasting.steps.feature_store.row_builder import row_builder_at
from forecasting.steps.feature_store.versions import BuildSpec, build_version, delete_rows, read_versions
from forecasting.steps.registry import Outcome
from forecasting.steps.session import Session

KEPT_VERSIONS = 2
"""The newest version, and the one before it, which a reader may still be reading."""


def publish_online_table(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Build the feature rows of the h periods after `cutoff` (default: the last observed day), and publish them.

    One row per series and period. Raises UserError when nothing was observed by `cutoff`.
    """
    config = session.config
    at = resolve_cutoff(session.panel, cutoff)
    builder = row_builder_at(Cut(session.panel, at, config.h))
    name = online_name(config)
    row = {"name": name, "kind": "online", "lead": None, "cutoff": at, "key": KEY, "event_time": EVENT_TIME}
    row["description"] = f"the next {config.h} {config.frequency.unit}s: {describe_table(config, 1)}"
    spec = BuildSpec("features", row, builder.columns, builder.future_rows)
    outcome = build_version(session, spec, force=force)
    builds = read_versions(session.store, "features", name)["build"].to_list()
    for old in set(builds[KEPT_VERSIONS : 2 * KEPT_VERSIONS]) - set(builds[:KEPT_VERSIONS]):
        delete_rows(session.store, old)
    return outcome


def online_name(config: Config) -> str:
    """The name of the online feature table."""
    return f"{config.name}-online"
