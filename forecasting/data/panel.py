"""The panel of all series of a job, bucket by bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.features.calendar import events

KEY = ("unique_id", "ds")


Scan = Callable[[int], pl.LazyFrame]


Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


@dataclass(frozen=True)
class Panel:
    """All series of a job, bucket by bucket.

    `scan` gives the rows of one bucket as in the table `panel`; `groups` holds sums by group and ds (table `groups`);
    `map` maps a function over buckets, here or on other processes; `events` are own ones (features.calendar.events).
    `whole` is the panel of which this one holds some series: they are still held against all that stand beside them.
    """

    config: Config
    scan: Scan
    buckets: tuple[int, ...]
    groups: pl.DataFrame
    map: Map = map
    events: pl.DataFrame = field(default_factory=events.SCHEMA.to_frame)
    whole: Panel | None = None


@dataclass(frozen=True)
class InMemory:
    """A scan over one frame, for panels that are computed and not stored."""

    rows: pl.DataFrame

    def __call__(self, bucket: int) -> pl.LazyFrame:
        return self.rows.lazy()


def is_closed(config: Config) -> pl.Expr:
    """Days on which a series is known to be closed."""
    return (pl.col(config.columns.open) == 0).fill_null(value=False) if config.columns.open else pl.lit(value=False)
