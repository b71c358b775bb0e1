"""Buckets, the groups of series that are stored and processed together, and Portions, rows in such groups.

`bucket_of` takes a column of unique_id and returns their bucket numbers (0 ... n - 1), `bucket_count` takes the number
of rows of a panel and returns how many buckets it should have. `Portions` are lazy frames, each with all rows of its
series, so that work on series takes one at a time and memory depends on the portion and not on the data; `Sorting`
makes them of rows that come in parts. Rows that fit into memory are one portion.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl

ROWS_PER_BUCKET = 500_000
Keep = Callable[[pl.DataFrame], pl.LazyFrame]
"""Sets a frame down, in memory or on a disk, and returns it as a lazy frame."""
Query = Callable[[pl.LazyFrame], pl.LazyFrame]
AT_ONCE = 2_000_000
"""So many rows are gathered before they are parted: fewer would make many small files, more would need memory."""


def bucket_of(ids: pl.Series, n: int) -> pl.Series:
    """The bucket (Int32) of each unique_id: its crc32 modulo `n`, which is stable across versions and machines."""
    return pl.Series("bucket", [zlib.crc32(i.encode()) % n for i in ids], dtype=pl.Int32)


def bucket_count(rows: int) -> int:
    """The number of buckets for a panel of `rows` rows: one of ROWS_PER_BUCKET rows fits well in memory."""
    return max(1, -(-rows // ROWS_PER_BUCKET))


def collect_each(parts: Iterable[pl.LazyFrame]) -> list[pl.DataFrame]:
    """The frames of queries, one for each bucket, in their order, made one after the other: `pl.collect_all` reads all
    buckets at once, and then holds the whole panel.
    """
    return [part.collect() for part in parts]


@dataclass(frozen=True)
class Shelf:
    """Where the rows of a large table are kept while it is sorted into portions, and how many rows memory may hold.

    Without `rows_at_once` a table is read at once and stays in memory. `buckets` is the number of buckets of the panel
    where that is fixed: the portions then are parts of these.
    """

    keep: Keep = pl.DataFrame.lazy
    rows_at_once: int = sys.maxsize
    buckets: int = 1

    def portions(self, rows: int) -> int:
        """The number of portions for a table of so many rows."""
        if rows <= self.rows_at_once:
            return 1
        return self.buckets * -(-bucket_count(rows) // self.buckets)


MEMORY = Shelf()
"""For tables that are read at once and stay in memory."""


@dataclass(frozen=True)
class Portions:
    """Frames with the same columns; all rows of a series are in one of them."""

    frames: tuple[pl.LazyFrame, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Portions:
        """One portion, in memory."""
        return cls((rows.lazy(),))

    @property
    def schema(self) -> pl.Schema:
        """The columns and their types."""
        return self.frames[0].collect_schema()

    @property
    def height(self) -> int:
        """The number of rows."""
        return int(self.each(lambda rows: rows.select(pl.len())).whole().sum().item())

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """The portions, one after the other in memory."""
        return (frame.collect() for frame in self.frames)

    def __len__(self) -> int:
        """The number of portions."""
        return len(self.frames)

    def each(self, query: Query) -> Portions:
        """What a query makes of each portion, once it is read."""
        return Portions(tuple(query(frame) for frame in self.frames))

    def whole(self) -> pl.DataFrame:
        """All rows in one frame."""
        return pl.concat(list(self))


def buckets_for(rows: Portions) -> int:
    """The number of buckets of a panel of these rows: as many as it needs, of which their portions can be parts."""
    needed = bucket_count(rows.height)
    if len(rows) == 1:
        return needed
    return next((n for n in range(needed, len(rows)) if len(rows) % n == 0), len(rows))


def by_bucket(rows: Portions, n: int) -> Portions:
    """The rows in `n` portions, those of the buckets of a panel.

    Portions that are parts of buckets (a multiple of `n`) stay as they are. Others are split in one pass, so that what
    a bucket costs does not depend on the others' rows.
    """
    if len(rows) % n == 0:
        return Portions(tuple(pl.concat(rows.frames[bucket::n]) for bucket in range(n)))
    whole = rows.whole()
    placed = whole.join(buckets_of(whole["unique_id"].unique(), n), on="unique_id", maintain_order="left")
    parts = placed.partition_by("bucket", as_dict=True, include_key=False)
    return Portions(tuple(parts.get((bucket,), whole.clear()).lazy() for bucket in range(n)))


def buckets_of(ids: pl.Series, n: int) -> pl.DataFrame:
    """[unique_id, bucket] of series in a panel of `n` buckets."""
    return pl.DataFrame({"unique_id": ids, "bucket": bucket_of(ids, n)}, schema_overrides={"unique_id": pl.String})


@dataclass
class Sorting:
    """Parts of a table, sorted into `portions` by the series of their rows; `keep` takes what memory need not hold.

    A column of numbers may have a narrower type in one part than in another: in the end it has one that holds all.
    Rows without unique_id are in the first portion.
    """

    portions: int
    keep: Keep
    waiting: list[pl.DataFrame] = field(default_factory=list)
    kept: list[list[pl.LazyFrame]] = field(default_factory=list)
    kinds: dict[str, list[pl.DataType]] = field(default_factory=dict)

    def add(self, rows: pl.DataFrame) -> None:
        """Take the next part."""
        for name, kind in rows.schema.items():
            known = self.kinds.setdefault(name, [])
            if kind not in known and (not known or rows[name].null_count() < rows.height):
                known.append(kind)
        self.waiting.append(rows)
        if self.portions > 1 and sum(part.height for part in self.waiting) >= AT_ONCE:
            self._part()

    def sorted(self) -> Portions:
        """The portions of all parts: one that stays in memory where there was but one part."""
        if not self.kept and len(self.waiting) == 1:
            return Portions.of(self.waiting[0])
        if self.waiting:
            self._part()
        schema = pl.Schema({name: _common(name, kinds) for name, kinds in self.kinds.items()})
        empty = pl.DataFrame(schema=schema).lazy()
        return Portions(tuple(pl.concat([part.cast(schema) for part in parts] or [empty]) for parts in self.kept))

    def _part(self) -> None:
        """Sort the parts that are waiting, and set them down."""
        rows = pl.concat(self.waiting, how="diagonal_relaxed")
        self.waiting.clear()
        self.kept = self.kept or [[] for _ in range(self.portions)]
        ids = rows["unique_id"].unique().drop_nulls()
        places = pl.DataFrame({"unique_id": ids, "_portion": bucket_of(ids, self.portions)})
        placed = rows.join(places, on="unique_id", how="left", maintain_order="left")
        placed = placed.with_columns(pl.col("_portion").fill_null(0))
        for (portion,), part in placed.partition_by("_portion", include_key=False, as_dict=True).items():
            self.kept[portion].append(self.keep(part))


def _common(name: str, kinds: list[pl.DataType]) -> pl.DataType:
    """The type that holds all values of these types."""
    return pl.concat([pl.DataFrame(schema={name: kind}) for kind in kinds], how="vertical_relaxed").schema[name]
