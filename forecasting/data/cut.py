"""A cut: everything known at a cutoff about all series, with the next `h` periods as rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.cache import Cache, Value
from forecasting.data.edits import Edit
from forecasting.data.future_rows import future_rows
from forecasting.data.panel import KEY, Panel
from forecasting.features import GroupData, peers
from forecasting.features.base import Context
from forecasting.features.calendar import events

ROOM = 512_000_000
"""Bytes of a cut's cache of frames and matrices that several models read."""


EVER = sys.maxsize


@dataclass(frozen=True)
class Cut:
    """What was known at `cutoff` about the next `h` periods, with the edits of a scenario.

    What is made of it `once` is kept within `room` bytes.
    """

    panel: Panel
    cutoff: date
    h: int
    edits: tuple[Edit, ...] = ()
    room: int = field(default=ROOM, compare=False, repr=False)
    _memory: Cache = field(init=False, compare=False, repr=False)  # no other cut may have it, be it made of this one
    _kept: Cache = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_memory", Cache(self.room))
        object.__setattr__(self, "_kept", Cache(EVER))

    @property
    def config(self) -> Config:
        return self.panel.config

    @property
    def end(self) -> date:
        """The last day of the horizon."""
        return self.config.frequency.shift(self.cutoff, self.h)

    def once(self, what: Hashable, make: Callable[[], Value]) -> Value:
        """What `make` returns, kept by the name `what` for the next who asks."""
        return self._memory.get_or_compute(what, make)

    def kept(self, what: Hashable, make: Callable[[], Value]) -> Value:
        """What `make` returns, kept as long as the cut: one for all buckets, small, and made from all of them."""
        return self._kept.get_or_compute(what, make)

    def __reduce__(self) -> tuple[type[Cut], tuple[object, ...]]:
        """Another process gets the references, and none of what was made here."""
        return Cut, (self.panel, self.cutoff, self.h, self.edits, self.room)

    @property
    def groups(self) -> pl.DataFrame:
        """The table `groups`, days after the cutoff included."""
        return self.kept("groups", lambda: self.panel.groups().collect())

    @cached_property
    def group_data(self) -> GroupData:
        """Data about the groups of series: their sums up to the cutoff, and same-day means of peers."""
        means = self.kept("peer means", self._peer_means)
        return GroupData(self.groups.filter(pl.col("ds") <= self.cutoff), means if means.width else None)

    def _peer_means(self) -> pl.DataFrame:
        """Same-day means of peers; without columns where no column tells what peers do."""
        every = replace(self, panel=self.panel.whole) if self.panel.whole else self
        buckets = every.panel.buckets
        context = Context(self.config, dict(every.panel.scan(buckets[0]).collect_schema()))
        parts = [peers.sum_by_group(every.frame(b), context) for b in buckets] if peers.has_peers(context) else []
        return peers.mean_by_group(parts) if parts else pl.DataFrame()

    def facts_of_all_buckets(self) -> dict[str, pl.DataFrame]:
        """What was made from all buckets so far, by name: small frames that take a walk through all of them."""
        kept = self._kept.held()
        return {k: frame for k, frame in kept.items() if isinstance(k, str) and isinstance(frame, pl.DataFrame)}

    def with_facts(self, facts: Mapping[str, pl.DataFrame]) -> Cut:
        """The same cut, which need not make these frames again."""
        cut = replace(self)
        for name, frame in facts.items():
            cut.kept(name, partial(pl.DataFrame.clone, frame))
        return cut

    def frame(self, bucket: int) -> pl.DataFrame:
        """The history of every series of a bucket, and future rows of those observed in the last years.

        One row per series and period, complete on the calendar, sorted by unique_id and ds, cleaned as of the cutoff,
        with edits applied and the columns of events added. In future rows y, y_raw, flag and every column that is not
        known ahead are null.
        """
        return self.once(("frame", bucket), partial(self._frame, bucket))

    def _frame(self, bucket: int) -> pl.DataFrame:
        rows = self.panel.scan(bucket).drop("bucket", strict=False).filter(pl.col("ds") <= self.end).collect()
        history = cleaning.clean_as_of_cutoff(rows.filter(pl.col("ds") <= self.cutoff), self.config)
        future = future_rows(history, rows, self.config, self.cutoff, self.h)
        frame = pl.concat([history, future.select(history.columns)]).sort(KEY)
        is_future = pl.when(pl.col("ds") > self.cutoff)
        for edit in self.edits:
            edited = is_future.then(edit.expr(frame.schema[edit.column])).otherwise(edit.column)
            frame = frame.with_columns(edited.alias(edit.column))
        return events.add_event_columns(frame, self.kept("events", lambda: self.panel.events().collect()), self.config)

    def __repr__(self) -> str:
        return f"Cut({self.config.name} at {self.cutoff}, {self.h} periods ahead)"
