"""A cut: everything known at a cutoff about all series, with the next `h` periods as rows.

`Cut` takes a Panel, a cutoff, h and the edits of a scenario. `Cut.frame(bucket)` returns a bucket's rows [unique_id,
ds, y, y_raw, flag, drivers, event columns], cleaned as of the cutoff; `Cut.groups` the table `groups`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.cache import Cache, Keeper, Value
from forecasting.data.closures.closures import Closures, closed_groups
from forecasting.data.edits import Edit
from forecasting.data.future_rows import history_and_future
from forecasting.data.known_ahead import KnownAhead
from forecasting.data.panel import KEY, Panel
from forecasting.features import GroupData, peers
from forecasting.features.base import Context
from forecasting.features.calendar import events

CACHE_BYTES = 512_000_000
"""The size of a cut's cache of frames and matrices that several models read."""
PEER_MEANS, COMING_PEER_MEANS = "peer means", "peer means of coming days"
CLOSED_GROUPS, NEWEST = "closed groups", "newest rows"
"""Names of shared frames."""


@dataclass(frozen=True)
class Cut:
    """What was known at `cutoff` about the next `h` periods, with the edits of a scenario.

    It holds references and can be pickled; what is computed from it is cached, and left behind when it is pickled.
    `cache_bytes` limits what is `cached`; what is `shared` by all buckets is small and kept as long as the cut.
    """

    panel: Panel
    cutoff: date
    h: int
    edits: tuple[Edit, ...] = ()
    cache_bytes: int = field(default=CACHE_BYTES, compare=False, repr=False)
    _cache: Cache = field(init=False, compare=False, repr=False)  # never passed on to a cut made from this one
    _shared: Cache = field(init=False, compare=False, repr=False)
    _kept: Keeper | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cache", Cache(self.cache_bytes))
        object.__setattr__(self, "_shared", Cache(sys.maxsize))

    @property
    def config(self) -> Config:
        return self.panel.config

    @property
    def end(self) -> date:
        """The last day of the horizon."""
        return self.config.frequency.shift(self.cutoff, self.h)

    @property
    def served(self) -> KnownAhead | None:
        """What is hidden of known-ahead columns on coming days, tonight and as on the day of the cutoff; None where
        nothing is, and where past days are taken as recorded.
        """
        known = self.panel.known_ahead if self.config.backtest.known_ahead == "as_served" else None
        return known if known and known.columns else None

    def cached(self, key: Hashable, compute: Callable[[], Value], bucket: int | None = None) -> Value:
        """The value of `compute`, cached under `key` while there is room, and until `forget_bucket`."""
        return self._cache.get_or_compute((bucket, key), compute)

    def shared(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value of `compute`, cached under `key` as long as the cut: small, made from all buckets, read by each."""
        return self._shared.get_or_compute(key, compute)

    def __reduce__(self) -> tuple[Callable[..., Cut], tuple[object, ...]]:
        """A cut is pickled as its references, without caches, but with what each process would look for everywhere."""
        _ = self.served
        rules, auto = self.closures, self.config.clean.ended == "auto"
        found = {} if self.panel.shut else {CLOSED_GROUPS: rules.groups()} | ({NEWEST: rules.newest()} if auto else {})
        return _elsewhere, ((self.panel, self.cutoff, self.h, self.edits, self.cache_bytes), self._kept, found)

    @property
    def groups(self) -> pl.DataFrame:
        """The table `groups`, days after the cutoff included."""
        return self.shared("groups", lambda: self.panel.groups().collect())

    @cached_property
    def group_data(self) -> GroupData:
        """Sums of the groups of series up to the cutoff, and same-day means of peer series."""
        return self._group_data(PEER_MEANS, date.min)

    @cached_property
    def coming_group_data(self) -> GroupData:
        """The same with the means of coming days alone, which are all that a forecast needs."""
        return self._group_data(COMING_PEER_MEANS, self.cutoff)

    def _group_data(self, name: str, after: date) -> GroupData:
        means = self.shared(name, partial(self._peer_means, after))
        return GroupData(self.groups.filter(pl.col("ds") <= self.cutoff), means if means.width else None)

    def _peer_means(self, after: date) -> pl.DataFrame:
        every = replace(self, panel=self.panel.part_of) if self.panel.part_of else self
        return peers.mean_by_group(self.panel.engine.map(partial(peer_sums, every, after), every.panel.buckets))

    def shared_frames(self) -> dict[str, pl.DataFrame]:
        """The frames that are shared so far, by key: small, but each takes a walk through all buckets to compute."""
        return {k: f for k, f in self._shared.held().items() if isinstance(k, str) and isinstance(f, pl.DataFrame)}

    def with_shared_frames(self, frames: Mapping[str, pl.DataFrame]) -> Cut:
        """The same cut with these frames, which it need not compute again."""
        cut = replace(self)
        object.__setattr__(cut, "_kept", self._kept)
        for name, frame in frames.items():
            cut.shared(name, partial(pl.DataFrame.clone, frame))
        return cut

    def frame(self, bucket: int) -> pl.DataFrame:
        """The history of every series of a bucket, and future rows of those observed in the last years.

        One row per series and period, sorted by both, cleaned as of the cutoff, with edits and the columns of events.
        Future rows hold known-ahead columns alone, as far as these are known (see served), and why nothing can be sold
        (`flag`: closed or ended).
        """
        return self.cached("frame", partial(self._kept_frame, bucket), bucket)

    def _kept_frame(self, bucket: int) -> pl.DataFrame:
        kept, make = self._kept, partial(self._frame, bucket)
        frame = kept.get_or_compute(f"frame-{bucket}", make) if kept else make()
        return frame.with_columns(pl.col("unique_id").set_sorted())  # no file says so, and groups are found by it

    def _frame(self, bucket: int) -> pl.DataFrame:
        rows = self.panel.scan(bucket).drop("bucket", strict=False).filter(pl.col("ds") <= self.end).collect()
        rows = self.served.hide(rows, self.config, self.cutoff) if self.served else rows
        frame = history_and_future(rows, self.config, self.cutoff, self.h, self.edits)
        frame = self._mark_closures(frame, rows.filter(pl.col("flag") == "ahead")["unique_id"].unique())
        own = self.shared("events", lambda: self.panel.events().collect())
        return events.add_event_columns(frame, own, self.config).rechunk()  # each look-up would align the parts

    def _mark_closures(self, frame: pl.DataFrame, planned: pl.Series) -> pl.DataFrame:
        """The frame with `flag` closed or ended in future rows in which nothing can be sold (see data/closures)."""
        if self.panel.shut is None:
            return self.closures.mark(frame, planned)
        shut = frame.select(KEY).join(self.panel.shut().collect(), on=KEY, how="left", maintain_order="left")["flag"]
        return frame.with_columns(flag=pl.coalesce(shut, "flag"))

    @property
    def closures(self) -> Closures:
        """The rules by which periods are closed and series have ended, as known at the cutoff."""
        every = self.panel.part_of or self.panel
        return Closures(
            self.config,
            self.cutoff,
            lambda: self.shared(CLOSED_GROUPS, lambda: closed_groups(self.groups, self.config, self.cutoff)),
            lambda: self.shared(NEWEST, lambda: every.newest_rows(self.cutoff)),
        )

    def __repr__(self) -> str:
        return f"Cut({self.config.name} at {self.cutoff}, {self.h} periods ahead)"


def _elsewhere(fields: Sequence[Any], kept: Keeper | None, found: Mapping[str, pl.DataFrame]) -> Cut:
    """A cut in another process, with the shared frames that were found for it."""
    return keep_frames(Cut(*fields), kept).with_shared_frames(found)


def keep_frames(cut: Cut, frames: Keeper | None) -> Cut:
    """The same cut, which leaves its frames in `frames` and takes those that are there, also in other processes."""
    kept = cut.with_shared_frames(cut.shared_frames())
    object.__setattr__(kept, "_kept", frames)
    return kept


def frame_once(cut: Cut, bucket: int) -> pl.DataFrame:
    """The frame of a bucket for a walk through all: frames that it cached would push out what others read."""
    return cut.frame(bucket) if (bucket, "frame") in cut._cache else cut._kept_frame(bucket)


def forget_bucket(cut: Cut, bucket: int | None) -> None:
    """Let go of what is cached of a bucket that is done, or (None) of all together: it would only hold memory."""
    cut._cache.drop(lambda key: isinstance(key, tuple) and key[0] == bucket)


def peer_sums(cut: Cut, after: date, bucket: int) -> pl.DataFrame:
    """A bucket's part of the sums behind the means of peers after a day; no columns without any to compare."""
    context = Context(cut.config, dict(cut.panel.scan(cut.panel.buckets[0]).collect_schema()))
    return peers.sum_by_group(cut.frame(bucket), context, after) if peers.has_peers(context) else pl.DataFrame()
