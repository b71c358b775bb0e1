"""Sums of groups of series: `sum_groups` adds up the rows of each group and period, `tabulate` as a table of both.

A group is all series, or those with the same values in the columns of a level. `TableTotals` adds up the tables of
parts of the rows, `Total` frames of sums. None knows what is added up.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.features.groups import Level, group_label

K = TypeVar("K", bound=Hashable)
AT_ONCE = 8
"""Parts of a total that are added up at a time: more save little, and all of them would take many times the memory."""


@dataclass(frozen=True)
class GroupTable:
    """Sums by group (`names`, sorted) and day, from the day numbered `first` on: arrays of shape (groups, days), `rows`
    the number of rows behind each.
    """

    names: pl.Series
    first: int
    rows: NDArray[np.int64]
    sums: dict[str, NDArray[Any]]

    def frame(self) -> pl.DataFrame:
        """[group, ds, rows, columns of `sums`]: the groups and days that have any rows, sorted by both."""
        group, day = np.nonzero(self.rows)
        ds = pl.Series(day + self.first, dtype=pl.Int32).cast(pl.Date)
        values = {name: table[group, day] for name, table in self.sums.items()}
        return pl.DataFrame({"group": self.names.gather(group), "ds": ds, "rows": self.rows[group, day], **values})


def sum_groups(rows: pl.DataFrame, level: Level, sums: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """[group, ds, columns of `sums`]: the frame of `tabulate`.

    >>> rows = pl.DataFrame({"item": ["a", "b", "a"], "ds": ["2024-01-01"] * 3, "y": [1.0, None, 2.0]})
    >>> rows = rows.with_columns(pl.col("ds").str.to_date())
    >>> sum_groups(rows, ("item",), {"y": pl.col("y"), "n": pl.col("y").is_not_null()}).drop("ds").rows()
    [('item=a', 3.0, 2), ('item=b', 0.0, 0)]
    """
    return tabulate(rows, level, sums).frame().select("group", "ds", *sums)


def tabulate(rows: pl.DataFrame, level: Level, sums: Mapping[str, pl.Expr]) -> GroupTable:
    """What these expressions of a row come to in each group of a level and period. Nothing is added for null; numbers
    are Float64, what is counted is Int64.

    Rows are added up in a table of groups and days, in a fraction of the time that it takes to put them into groups.
    """
    place, names = _places(rows, level)
    day = rows["ds"].to_physical().to_numpy().astype(np.int64)
    first, last = (int(day.min()), int(day.max())) if len(day) else (0, 0)
    shape = len(names), last - first + 1
    key, size = place * shape[1] + (day - first), shape[0] * shape[1]
    made: dict[str, NDArray[Any]] = {}
    for column in rows.with_columns(**sums).select(list(sums)):
        weights = column.cast(pl.Float64).fill_null(0.0).to_numpy()
        added = np.bincount(key, weights, size).reshape(shape)
        made[column.name] = added.astype(np.float64 if column.dtype.is_float() else np.int64, copy=False)
    return GroupTable(names, first, np.bincount(key, minlength=size).reshape(shape), made)


def _places(rows: pl.DataFrame, level: Level) -> tuple[NDArray[np.int64], pl.Series]:
    """The number of the group of each row, and the sorted names of all groups; rows of a group often lie together, and
    each run of them is named once.
    """
    if not level:
        return np.zeros(rows.height, np.int64), pl.Series("group", ["total"])
    changes = pl.any_horizontal(pl.col(c).ne_missing(pl.col(c).shift()) for c in level)
    begins = rows.select((pl.int_range(pl.len()) == 0) | changes).to_series()
    firsts = rows.filter(begins).rechunk()  # Polars 2.1 panics where it formats parts of which one is empty
    labels = firsts.select(group_label(level)).to_series()
    number = (labels.rank("dense") - 1).to_numpy().astype(np.int64)
    return number[begins.to_numpy().cumsum() - 1], labels.unique().sort().alias("group")


class Total:
    """The sums of parts (frames of the same columns) by some of these; few parts are in memory at a time."""

    def __init__(self, by: Iterable[str]) -> None:
        self._by, self._waiting = tuple(by), list[pl.DataFrame]()

    def add(self, part: pl.DataFrame) -> None:
        """Take the next part."""
        self._waiting.append(part)
        if len(self._waiting) == AT_ONCE:
            self._waiting = [self.sums()]

    def sums(self) -> pl.DataFrame:
        """The sums of all parts so far, in any order; a frame without columns where the parts have none.

        >>> total = Total(["day"])
        >>> for n in range(20):
        ...     total.add(pl.DataFrame({"day": [1, 2], "n": [n, 1]}))
        >>> total.sums().sort("day").rows()
        [(1, 190), (2, 20)]
        """
        if not self._waiting or not self._waiting[0].width:
            return pl.DataFrame()
        columns = self._waiting[0].columns  # whatever their order: sums are a part of further ones
        return pl.concat(self._waiting).group_by(self._by).agg(pl.all().sum()).select(columns)


class TableTotals(Generic[K]):
    """The sums of tables of groups, by a key that says what of: tables of the same columns, added in their order."""

    def __init__(self) -> None:
        self._tables = dict[K, GroupTable]()

    def add(self, key: K, part: GroupTable) -> None:
        """Take the next part, which may then change."""
        total = self._tables.get(key)
        if total is None or not total.rows.any():
            self._tables[key] = part
            return
        if not part.rows.any():  # its days would be none of the others
            return
        self._tables[key] = total = _room_for(total, part)
        groups = total.names.search_sorted(part.names).to_numpy()[:, None]
        days = part.first - total.first + np.arange(part.rows.shape[1])
        for into, values in ((total.rows, part.rows), *((total.sums[c], part.sums[c]) for c in total.sums)):
            into[groups, days] += values

    def frames(self) -> dict[K, pl.DataFrame]:
        """The frame of each total, by key."""
        return {key: table.frame() for key, table in self._tables.items()}


def _room_for(total: GroupTable, part: GroupTable) -> GroupTable:
    """The total with the groups and days of the part, too: as it is where it has them."""
    first = min(total.first, part.first)
    end = max(table.first + table.rows.shape[1] for table in (total, part))
    known = part.names.is_in(total.names.implode()).all()
    if known and (first, end - first) == (total.first, total.rows.shape[1]):
        return total
    names = total.names if known else pl.concat([total.names, part.names]).unique().sort()
    groups, begin = names.search_sorted(total.names).to_numpy(), total.first - first

    def moved(table: NDArray[Any]) -> NDArray[Any]:
        larger = np.zeros((len(names), end - first), table.dtype)
        larger[groups, begin : begin + table.shape[1]] = table
        return larger

    return GroupTable(names, first, moved(total.rows), {name: moved(table) for name, table in total.sums.items()})
