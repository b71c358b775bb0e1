"""Offline feature tables: `build_feature_tables` stores the past of every series with its features, a table per lead.

It takes a Session and leads (periods between a row and the newest sale it may see), and returns one Outcome per lead.
Rows go to `feature_rows`, versions to `features`; rows of versions replaced long ago are deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff
from forecasting.features.descriptions import describe_table
from forecasting.steps.feature_store.row_builder import row_builder_at
from forecasting.steps.feature_store.versions import BuildSpec, build_version, delete_rows, read_versions
from forecasting.steps.registry import Outcome
from forecasting.steps.session import Session

KEY = "unique_id, ds"
EVENT_TIME = "ds less lead periods: the newest sale that a row may see"


def build_feature_tables(
    session: Session, leads: Sequence[int] = (), years: float | None = None, *, force: bool = False
) -> list[Outcome]:
    """Build the feature table of each lead at the newest cutoff; returns one outcome per lead, in their order.

    `leads` are periods between a row and the newest sale it may see (default: the lead of the first block); with
    `years`, only rows of so many last years are built. Raises UserError for a lead beyond the horizon.
    """
    config = session.config
    builder = row_builder_at(Cut(session.panel, resolve_cutoff(session.panel, None), config.h))
    cutoff, outcomes = builder.cut.cutoff, []
    for lead in resolve_leads(config, leads):
        first = _first_day(config, cutoff, years)
        row = {"name": offline_name(config, lead), "kind": "offline", "lead": lead, "cutoff": cutoff}
        row |= {"description": describe_table(config, lead), "key": KEY, "event_time": EVENT_TIME}
        row |= {"first": first} if first else {}
        spec = BuildSpec("features", row, builder.columns, partial(builder.past_rows, lead, first))
        outcomes.append(build_version(session, spec, force=force))
        delete_expired_rows(session, spec.name)
    return outcomes


def offline_name(config: Config, lead: int) -> str:
    """The name of the offline feature table of a lead in periods."""
    return f"{config.name}-lead-{lead}"


def resolve_leads(config: Config, leads: Sequence[int]) -> tuple[int, ...]:
    """The distinct leads in periods, in their order; the lead of the first block when none is given.

    Raises UserError for a lead beyond the horizon.
    """
    for lead in leads:
        if not 1 <= lead <= config.h:
            raise config.fault("h", f"lead {lead}: a lead is from 1 to h = {config.h}")
    return tuple(dict.fromkeys(leads)) or config.block_ends[:1]


def _first_day(config: Config, cutoff: date, years: float | None) -> date | None:
    return None if years is None else config.frequency.shift(cutoff, 1 - config.frequency.training_periods(years))


def delete_expired_rows(session: Session, name: str) -> None:
    """Delete the rows of versions that a newer one replaced more than `store.retention` days ago."""
    versions = read_versions(session.store, "features", name)
    limit = datetime.now(UTC) - timedelta(days=session.config.store.retention)
    replaced_at = pl.col("built_at").shift(1)  # versions are sorted newest first
    expired = versions.filter(replaced_at < limit)
    kept = versions.filter(replaced_at.is_null() | (replaced_at >= limit))
    stored = set(session.store.scan("feature_rows").select(pl.col("build").unique()).collect()["build"])
    for build in (set(expired["build"]) - set(kept["build"])) & stored:
        delete_rows(session.store, build)
