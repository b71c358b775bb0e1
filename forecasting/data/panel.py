"""The panel of all series of a job, bucket by bucket: `Panel` holds references to rows, stored or in memory.

`Panel.scan(bucket)` returns lazy rows of the table `panel` [unique_id, ds, y, y_raw, flag, drivers]; `Engine` is what
maps a function over its buckets; `InMemory` is a reference to a frame. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from typing import Protocol, TypeVar

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import collect_each
from forecasting.data.closures.closures import CLOSED
from forecasting.data.closures.ended import ENDED, count_by_day, newest_rows
from forecasting.data.known_ahead import KnownAhead, coming_rows, observe
from forecasting.features.calendar import events

KEY = ("unique_id", "ds")


Scan = Callable[[int], pl.LazyFrame]
"""A reference to rows by bucket: small and picklable, it reads when it is called."""
Rows = Callable[[], pl.LazyFrame]
"""A reference to all rows of a table."""

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


class Engine(Protocol):
    """The engine that walks the buckets of a panel: in this process, in several, or on a cluster."""

    @property
    def scratch(self) -> str | None:
        """The root, local or s3://, below which its processes leave files for each other; None where all of them run on
        this machine, and any temporary folder will do.
        """

    def run(self, function: Callable[[I], R], item: I, /) -> R:
        """The result of `function(item)`: work that is not divided into buckets, such as training a global model."""

    def rest(self) -> None:
        """Let go of what is held on this machine between two calls of `map`: work follows that needs the memory."""

    def map(self, function: Callable[[I], R], items: Iterable[I], /) -> Iterator[R]:
        """The results of `function`, in the order of the items."""


@dataclass(frozen=True)
class InProcess:
    """The engine of panels in memory: one bucket after the other, in this process."""

    scratch: None = None

    def run(self, function: Callable[[I], R], item: I, /) -> R:
        """The result of `function(item)`."""
        return function(item)

    def rest(self) -> None:
        """Nothing is held."""

    def map(self, function: Callable[[I], R], items: Iterable[I], /) -> Iterator[R]:
        """The results of `function`, in the order of the items."""
        return map(function, items)


@dataclass(frozen=True)
class InMemory:
    """A reference to one frame, for panels that are computed and not stored; it travels with the frame."""

    rows: pl.DataFrame

    def __call__(self, bucket: int = 0) -> pl.LazyFrame:
        return self.rows.lazy()


NO_EVENTS = InMemory(events.SCHEMA.to_frame())


@dataclass(frozen=True)
class Panel:
    """All series of a job, bucket by bucket: references that are read when needed, so that a panel can be pickled.

    `scan` gives the rows of one bucket as in the table `panel`; `groups` the sums by group and ds (table `groups`),
    `events` the config's own ones, by day (table `events`), `series` the table of that name, which tells first and last
    days without the rows (None: the rows do). `engine` maps a function over buckets, here or in other processes.
    `part_of` is the panel of all series when this one holds some of them: groups and peers are still those of all.
    `plans` is what is known of coming days where the rows themselves end earlier; None: as in the rows. `shut` gives
    the coming periods in which nothing can be sold [unique_id, ds, flag] where other rows than these decide, as those
    of series do for aggregates; None: what these rows show.
    """

    config: Config
    scan: Scan
    buckets: tuple[int, ...]
    groups: Rows
    engine: Engine = field(default_factory=InProcess)
    events: Rows = NO_EVENTS
    part_of: Panel | None = None
    plans: KnownAhead | None = field(default=None, compare=False, repr=False)
    shut: Rows | None = None
    series: Rows | None = None

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """The columns and their types, without the bucket."""
        kinds = self.scan(self.buckets[0]).collect_schema()
        return {column: kind for column, kind in kinds.items() if column != "bucket"}

    @cached_property
    def newest(self) -> date | None:
        """The newest day with an observation in any series; None without any."""
        if self.series:
            return self._of_series(pl.col("last").max())
        seen = [self.scan(b).filter(pl.col("y").is_not_null()).select(pl.col("ds").max()) for b in self.buckets]
        return max((day for part in collect_each(seen) if (day := part.item()) is not None), default=None)

    @cached_property
    def oldest(self) -> date | None:
        """The day of the first row of any series; None without any."""
        if self.series:
            return self._of_series(pl.col("start").min())
        starts = collect_each([self.scan(b).select(pl.col("ds").min()) for b in self.buckets])
        return min((day for part in starts if (day := part.item()) is not None), default=None)

    def newest_rows(self, cutoff: date) -> pl.DataFrame:
        """[ds, n]: how many series have their newest row up to `cutoff` on that day."""
        if self.series and (self._of_series(pl.col("last_row").max()) or cutoff) <= cutoff:
            return count_by_day(self.series().select(ds="last_row").drop_nulls()).collect()
        known = pl.col("ds") <= cutoff
        return pl.concat(collect_each(newest_rows(self.scan(b).filter(known)) for b in self.buckets))

    def _of_series(self, day: pl.Expr) -> date | None:
        """One day of the table `series`."""
        found: date | None = self.series().select(day).collect().item() if self.series else None
        return found

    @cached_property
    def known_ahead(self) -> KnownAhead | None:
        """What is known of known-ahead columns after the newest observed day; None without such columns or days."""
        if self.plans:
            return self.plans
        if self.part_of:
            return self.part_of.known_ahead
        if not self.config.columns.known_ahead or self.newest is None:
            return None
        parts = self.engine.map(partial(coming_rows, self.scan, self.newest, self.config), self.buckets)
        return observe([*parts], self.newest, self.config)


def part_of_panel(panel: Panel, rows: pl.DataFrame) -> Panel:
    """Some series of a panel, all rows of each, in memory and in the one bucket 0; their groups stay those of all."""
    return replace(panel, scan=InMemory(rows), buckets=(0,), engine=InProcess(), part_of=panel, series=None)


def is_closed(config: Config) -> pl.Expr:
    """Days on which a series is known to be closed."""
    return (pl.col(config.columns.open) == 0).fill_null(value=False) if config.columns.open else pl.lit(value=False)


def is_shut(config: Config) -> pl.Expr:
    """Future rows of a cut in which nothing can be sold: known to be closed, closed by their rhythm, or ended."""
    return is_closed(config) | pl.col("flag").is_in([CLOSED, ENDED]).fill_null(value=False)


def lowest_forecast(config: Config) -> pl.Expr:
    """Of the rows of a series: the least that its forecast may be, in units of y. y_min; without one 0, and null
    (anything) where a value was below 0.
    """
    if config.clean.y_min is not None:
        return pl.lit(config.clean.y_min)
    return pl.when(~(pl.col("y") < 0).any()).then(0.0)


def count_observed(panel: Panel) -> int:
    """Rows of the panel with an observation: what fills a gap of the calendar is no more to learn from."""
    counts = [panel.scan(bucket).select(pl.col("y").count()) for bucket in panel.buckets]
    return sum(int(part.item()) for part in collect_each(counts))


def sample_panel(panel: Panel, last: date, share: Callable[[pl.DataFrame], float]) -> Panel:
    """The panel up to `last` with a share of the series, all rows of each, in memory and in one bucket.

    `share` takes [unique_id, n, y], the rows and the sum of y of every series. They are taken at equal distances from
    the smallest to the largest by their sum.
    """
    rows = pl.concat([panel.scan(b) for b in panel.buckets]).filter(pl.col("ds") <= last)
    volume = rows.group_by("unique_id").agg(pl.len().alias("n"), pl.col("y").sum()).sort("y", "unique_id").collect()
    kept, rank = min(1.0, share(volume)), pl.int_range(pl.len())
    sampled = volume.filter(((rank + 1) * kept).ceil() > (rank * kept).ceil())
    history = rows.filter(pl.col("unique_id").is_in(sampled["unique_id"].implode())).collect()
    groups = InMemory(panel.groups().filter(pl.col("ds") <= last).collect())
    return Panel(panel.config, InMemory(history), (0,), groups, events=panel.events, plans=panel.known_ahead)
