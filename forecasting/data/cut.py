"""A cut: what was known on a day about all series, with the next `h` periods as rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.cache import Cache, Value
from forecasting.data.edits import Edit
from forecasting.data.panel import KEY, Panel
from forecasting.features import GroupData, peers
from forecasting.features.base import Context
from forecasting.features.calendar import events

ROOM = 512_000_000
"""Bytes of what is made of a cut that it keeps: frames and matrices that several models look at."""


EVER = sys.maxsize


ALIVE_YEARS = 3  # a series without a sale observed for so long has ended and is no longer forecast


@dataclass(frozen=True)
class Cut:
    """What was known on the day `cutoff` about the next `h` periods, with the edits of a scenario.

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

    @cached_property
    def group_data(self) -> GroupData:
        """Data about the groups of series: their sums up to the cutoff, and same-day means of peers."""
        every = replace(self, panel=self.panel.whole) if self.panel.whole else self
        panel, buckets = every.panel, every.panel.buckets
        context = Context(self.config, dict(panel.scan(buckets[0]).collect_schema()))
        parts = [peers.sum_by_group(every.frame(b), context) for b in buckets] if peers.has_peers(context) else []
        means = peers.mean_by_group(parts) if parts else None
        return GroupData(panel.groups.filter(pl.col("ds") <= self.cutoff), means)

    def frame(self, bucket: int) -> pl.DataFrame:
        """History of every series of a bucket, and `h` future rows of those that were observed in the last years.

        Sorted by unique_id and ds, complete on the calendar; cleaned as it was known on the cutoff. Future rows hold
        null in y, y_raw, flag and every column that is not known ahead. What own events tell of a day stands beside.
        """
        return self.once(("frame", bucket), partial(self._frame, bucket))

    def _frame(self, bucket: int) -> pl.DataFrame:
        known = self.panel.scan(bucket).drop("bucket", strict=False).filter(pl.col("ds") <= self.end).collect()
        history = cleaning.clean_as_of_cutoff(known.filter(pl.col("ds") <= self.cutoff), self.config)
        frame = pl.concat([history, self._future(known, history).select(history.columns)]).sort(KEY)
        later = pl.when(pl.col("ds") > self.cutoff)
        for edit in self.edits:
            changed = later.then(edit.expr(frame.schema[edit.column])).otherwise(edit.column)
            frame = frame.with_columns(changed.alias(edit.column))
        return events.add_event_columns(frame, self.panel.events, self.config)

    def _future(self, known: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
        """The future rows: keys and static columns made here, known-ahead columns from the panel or by their rule."""
        config = self.config
        ahead = [c for c in config.columns.known_ahead if c in known.columns]
        statics = [c for c in config.static_columns if c in known.columns]
        born = config.frequency.shift(self.cutoff, -ALIVE_YEARS * config.frequency.year)
        recent = history.filter(pl.col("ds") > born).group_by("unique_id")
        alive = recent.agg(pl.col("y").count().alias("_n"), *(pl.col(c).drop_nulls().last() for c in statics))
        new = self._announced(known, statics)
        steps = pl.DataFrame({"_step": range(1, self.h + 1)}, schema={"_step": pl.Int32})
        ds = config.frequency.offset(pl.lit(self.cutoff), pl.col("_step"))
        grid = alive.filter(pl.col("_n") > 0).join(steps, how="cross").select("unique_id", *statics, ds=ds)
        grid = pl.concat([grid, new.select(grid.columns)])
        future = grid.join(known.filter(pl.col("ds") > self.cutoff).select(*KEY, *ahead), on=KEY, how="left")
        rest = [c for c in history.columns if c not in future.columns]
        future = future.with_columns(pl.lit(None, history.schema[c]).alias(c) for c in rest)
        return self._ruled(history, future.select(history.columns))

    def _announced(self, known: pl.DataFrame, statics: list[str]) -> pl.DataFrame:
        """unique_id, ds and static columns of the periods in which a series is planned that has never been there.

        What has been sold since the cutoff was not announced on it: of a look back only rows ahead of all sales count.
        """
        first = pl.col("ds").min().over("unique_id")
        ahead = known.filter(first > self.cutoff, (pl.col("flag") == "ahead").all().over("unique_id"))
        return ahead.select("unique_id", "ds", *statics)

    def _ruled(self, history: pl.DataFrame, future: pl.DataFrame) -> pl.DataFrame:
        """Fill the nulls of known-ahead columns in future rows by the rules of `future` in the config."""
        rules = {c: r for c, r in self.config.future.items() if r is not None and c in future.columns}
        if not rules:
            return future
        # only series with future rows, so that the rule sees a calendar-complete series
        both = pl.concat([history.join(future, on="unique_id", how="semi"), future]).sort(KEY)
        filled = [pl.coalesce(c, self._rule(c, rule)).cast(future.schema[c]).alias(c) for c, rule in rules.items()]
        return both.with_columns(filled).filter(pl.col("ds") > self.cutoff)

    def _rule(self, column: str, rule: Any) -> pl.Expr:
        if not isinstance(rule, str):
            return pl.lit(rule)
        if rule.startswith("="):
            return pl.lit(rule[1:])
        value = pl.col(column)
        if rule == "last":
            return value.forward_fill().over("unique_id")
        period = self.config.frequency.year if rule == "repeat_last_year" else self.config.frequency.season
        tries = range(1, -(-self.h // period) + 5)
        return pl.coalesce(value.shift(period * k).over("unique_id") for k in tries)

    def __repr__(self) -> str:
        return f"Cut({self.config.name} at {self.cutoff}, {self.h} periods ahead)"
