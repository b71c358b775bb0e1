"""Training sets: `build_training_set` stores labelled rows of a span of days, with what was known on its last day.

It takes a Session, both days and a lead, registers a version in `training_sets`, and returns an Outcome. No model is
trained.
"""

from __future__ import annotations

from datetime import date
from functools import partial

import polars as pl

from forecasting.data.buckets import collect_each
from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff
from forecasting.errors import Option, UserError
from forecasting.services.store import Store
from forecasting.steps import identity
from forecasting.steps.feature_store.offline import offline_name, resolve_leads
from forecasting.steps.feature_store.row_builder import row_builder_at
from forecasting.steps.feature_store.versions import CODE, BuildSpec, build_version, read_versions
from forecasting.steps.registry import Outcome
from forecasting.steps.session import Session


def build_training_set(
    session: Session, first: date, last: date, lead: int | None = None, *, force: bool = False
) -> Outcome:
    """Keep the rows with an observed y of the days first..last as a version; one row per series and day.

    The features are those at `lead` periods (default: the lead of the first block), from a cut at `last`: nothing that
    came later is in them. Other values make a new version, equal ones return the version that exists. Raises UserError
    when nothing was observed in these days, when `first` is after `last`, and for a lead beyond the horizon.
    """
    if first > last:
        raise UserError(
            f"lies after the last day {last}", where=Option("first", first), mend="give the first day first"
        )
    config, panel = session.config, session.panel
    (lead,) = resolve_leads(config, () if lead is None else (lead,))
    at = resolve_cutoff(panel, last)
    days = pl.col("ds").is_between(first, at) & pl.col("y").is_not_null()
    counts = collect_each([panel.scan(b).filter(days).select(pl.len()) for b in panel.buckets])
    if not sum(count.item() for count in counts):
        raise UserError(f"{config.name}: nothing was observed from {first} to {last}: choose other days")
    builder, name = row_builder_at(Cut(panel, at, config.h)), offline_name(config, lead)
    row = {"name": name, "lead": lead, "first": first, "last": last, "cutoff": at}
    row |= {"feature_version": _matching_feature_version(session.store, name)}
    spec = BuildSpec("training_sets", row, builder.columns, partial(builder.labelled_rows, lead, first))
    return build_version(session, spec, force=force)


def _matching_feature_version(store: Store, name: str) -> int | None:
    """The newest version of the feature table if it was built from the same data by the same code, else None."""
    newest = read_versions(store, "features", name).head(1)
    same = newest.filter(
        pl.col("code") == identity.code_of(CODE), pl.col("data_version") == identity.data_version(store)
    )
    return same["version"].item() if same.height else None
