"""Training sets: rows with a label of the days A..B, as they were known on B."""

from __future__ import annotations

from datetime import date
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff
from forecasting.errors import Option, UserError
from forecasting.services.store import Store
from forecasting.steps import identity, session
from forecasting.steps.feature_store.build import checked, name_of
from forecasting.steps.feature_store.maker import maker
from forecasting.steps.feature_store.versions import CODE, Order, build_version, registered
from forecasting.steps.registry import Outcome


def training_set(config: Config, first: date, last: date, lead: int | None = None, *, force: bool = False) -> Outcome:
    """Keep the rows with an observed y of the days first..last, features at `lead` (default: the first block's).

    They are made from a cut at `last`: nothing that came later is in them. Other values are a new version; the same
    ones are found again. Raises UserError when nothing was observed in these days.
    """
    if first > last:
        raise UserError(
            f"lies after the last day {last}", where=Option("first", first), mend="give the first day first"
        )
    (asked,) = checked(config, () if lead is None else (lead,))
    store = session.open_store(config)
    panel = session.open_panel(config, store)
    at = resolve_cutoff(panel, last)
    days = pl.col("ds").is_between(first, at) & pl.col("y").is_not_null()
    counts = pl.collect_all([panel.scan(b).filter(days).select(pl.len()) for b in panel.buckets])
    if not sum(c.item() for c in counts):
        raise UserError(f"{config.name}: nothing was observed from {first} to {last}: choose other days")
    made = maker(Cut(panel, at, config.h))
    row = {"name": name_of(config, asked), "lead": asked, "first": first, "last": last, "cutoff": at}
    row |= {"feature_version": _feature_version(store, name_of(config, asked))}
    order = Order("training_sets", row, made.columns, partial(made.labelled, asked, first))
    return build_version(config, panel, order, force=force)


def _feature_version(store: Store, name: str) -> int | None:
    """The newest version of the feature table if it was built from the same data by the same code."""
    newest = registered(store, "features", name).head(1)
    same = newest.filter(
        pl.col("code") == identity.code_of(CODE), pl.col("data_version") == identity.data_version(store)
    )
    return same["version"].item() if same.height else None
