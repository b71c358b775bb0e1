"""A published vintage made ready for questions: `prepare` takes a Session and a vintage and returns Prepared.

It holds what all questions need and what takes long: what is served of the vintage (bundle, rows, published forecasts),
what its buckets share, and what the decomposition finds in common. The newest few are kept in memory, so that only the
first question waits.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from threading import Lock

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, Panel, count_observed, sample_panel
from forecasting.errors import UserError
from forecasting.planning.decomposition import Pooled, fit_pooled, read_design
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.scenario.run import chosen_series
from forecasting.steps.serving.held import served_for
from forecasting.steps.serving.online import cut_through
from forecasting.steps.serving.served import Served, buckets_of, rows_of
from forecasting.steps.session import Session

MOST_ROWS = 300_000
"""Rows from which the decomposition finds what series have in common; those of a sample where the panel is larger."""
KEPT = 4
"""Vintages that are kept in memory."""


@dataclass(frozen=True)
class Prepared:
    """A vintage as it is served, what its series have in common, and the `frames` that its buckets share."""

    served: Served
    pooled: Pooled
    frames: dict[str, pl.DataFrame]

    @property
    def bundle(self) -> Bundle:
        return self.served.bundle

    @property
    def config(self) -> Config:
        """The job with the recipe of the bundle."""
        return self.served.job.config

    def select(self, series: SeriesFilter) -> Cut:
        """The cut through the chosen series, in one bucket 0. Raises UserError when there are none."""
        ids, _ = chosen_series(self.served, series)
        return cut_through(self.served, ids).with_shared_frames(self.frames)

    def keep(self, cut: Cut) -> None:
        """Keep what a cut through some of the series has found out about all of them."""
        self.frames.update(cut.shared_frames())

    def published(self, cut: Cut) -> pl.DataFrame:
        """[unique_id, ds, yhat]: the published forecasts of the champion for the cut's series."""
        ids = cut.panel.scan(0).select(pl.col("unique_id").unique()).collect().to_series()
        return rows_of(self.served.published(buckets_of(self.served, ids)), ids).select(*KEY, "yhat")


def newest_vintage(session: Session, cutoff: date | None = None) -> tuple[date, int]:
    """Cutoff and version of the newest published vintage (of that cutoff). Raises UserError without one."""
    vintages = session.vintages if cutoff is None else session.vintages.filter(pl.col("cutoff") == cutoff)
    if vintages.is_empty():
        at = f" of {cutoff}" if cutoff else ""
        raise UserError(f"there is no forecast{at} to explain", where=session.config.name, needs="predict")
    return vintages["cutoff"][0], vintages["version"][0]


_PREPARED: dict[Hashable, Prepared] = {}
_GUARD = Lock()


def prepare(session: Session, cutoff: date, version: int) -> Prepared:
    """The vintage ready for questions, as the data of the session show it. Safe for threads: one of them prepares."""
    with _GUARD:
        served = _served(session, cutoff, version)
        key = (session.store.root, served.identity, repr(session.config))
        if key not in _PREPARED:
            cut = Cut(served.job.panel, cutoff, served.job.config.h)
            _ = cut.group_data
            while len(_PREPARED) >= KEPT:
                del _PREPARED[next(iter(_PREPARED))]
            _PREPARED[key] = Prepared(served, pooled_effects(cut), cut.shared_frames())
        return _PREPARED[key]


def _served(session: Session, cutoff: date, version: int) -> Served:
    """What is served of a vintage: what the process holds already where it is the newest one of the newest data."""
    rows = session.vintages.filter(pl.col("cutoff") == cutoff, pl.col("version") == version)
    row, newest = rows.row(0, named=True), session.vintages.row(0, named=True)
    pinned = session.config.data_version is not None
    return Served(session, row) if pinned or row != newest else served_for(session)


def pooled_effects(cut: Cut) -> Pooled:
    """What the series have in common, of a sample of them where they are many."""
    rows = count_observed(cut.panel)
    panel: Panel = cut.panel
    if rows > MOST_ROWS:
        panel = sample_panel(cut.panel, cut.cutoff, lambda _: MOST_ROWS / rows)
    sampled = Cut(panel, cut.cutoff, cut.h).with_shared_frames(cut.shared_frames())
    return fit_pooled(read_design(sampled, pl.concat([sampled.frame(bucket) for bucket in panel.buckets])))
