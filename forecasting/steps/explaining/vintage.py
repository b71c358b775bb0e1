"""A published vintage made ready for questions: `prepare` takes a Session and a vintage and returns Prepared.

It holds what all questions need and what takes long: the bundle, a cut through all series with what its buckets share,
and what the decomposition finds in common. The newest few are kept in memory, so that only the first question waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import Panel, count_observed, sample_panel
from forecasting.errors import UserError
from forecasting.planning.column_names import condition_over_panel
from forecasting.planning.decomposition import Pooled, fit_pooled, read_design
from forecasting.planning.scenario import check_condition
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.scenario import SeriesFilter, select_series
from forecasting.steps.session import Session

MOST_ROWS = 300_000
"""Rows from which the decomposition finds what series have in common; those of a sample where the panel is larger."""
KEPT = 4
"""Vintages that are kept in memory."""


@dataclass
class Prepared:
    """A vintage: its bundle, the session with its recipe, the cut through all series, and what these share."""

    bundle: Bundle
    session: Session
    cut: Cut
    pooled: Pooled
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        return self.cut.config

    def select(self, series: SeriesFilter) -> Cut:
        """The cut through the chosen series, in one bucket 0. Raises UserError when there are none."""
        where = condition_over_panel(series.where, self.config)
        check_condition(where, self.cut.panel.schema)
        chosen = select_series(self.cut.panel, self.session.store, SeriesFilter(where, series.unique_id))
        return Cut(chosen, self.cut.cutoff, self.cut.h).with_shared_frames(self.frames)

    def keep(self, cut: Cut) -> None:
        """Keep what a cut through some of the series has found out about all of them."""
        self.frames |= cut.shared_frames()


def newest_vintage(session: Session, cutoff: date | None = None) -> tuple[date, int]:
    """Cutoff and version of the newest published vintage (of that cutoff). Raises UserError without one."""
    vintages = session.vintages if cutoff is None else session.vintages.filter(pl.col("cutoff") == cutoff)
    if vintages.is_empty():
        at = f" of {cutoff}" if cutoff else ""
        raise UserError(f"there is no forecast{at} to explain", where=session.config.name, needs="predict")
    return vintages["cutoff"][0], vintages["version"][0]


_prepared: dict[tuple[object, ...], Prepared] = {}


def prepare(session: Session, cutoff: date, version: int) -> Prepared:
    """The vintage ready for questions, as the data of the session show it."""
    key = (session.store.root, session.store.load, repr(session.config), cutoff, version)
    if key not in _prepared:
        bundle = bundles.fetch(session.registry, version)
        served = bundles.served_by(session, bundle, version)
        cut = Cut(served.panel, cutoff, served.config.h)
        _ = cut.group_data
        while len(_prepared) >= KEPT:
            del _prepared[next(iter(_prepared))]
        _prepared[key] = Prepared(bundle, served, cut, pooled_effects(cut), cut.shared_frames())
    return _prepared[key]


def pooled_effects(cut: Cut) -> Pooled:
    """What the series have in common, of a sample of them where they are many."""
    rows = count_observed(cut.panel)
    panel: Panel = cut.panel
    if rows > MOST_ROWS:
        panel = sample_panel(cut.panel, cut.cutoff, lambda _: MOST_ROWS / rows)
    sampled = Cut(panel, cut.cutoff, cut.h).with_shared_frames(cut.shared_frames())
    return fit_pooled(read_design(sampled, pl.concat([sampled.frame(bucket) for bucket in panel.buckets])))
