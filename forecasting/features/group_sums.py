"""Sums of groups of series: `sum_groups` adds up the rows of each group and period, `Total` what parts of them came to.

A group is all series, or those with the same values in the columns of a level. Neither knows what is added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.features.groups import Level, group_label

AT_ONCE = 8
"""Parts of a total that are added up at a time: more save little, and all of them would take many times the memory."""


def sum_groups(rows: pl.DataFrame, level: Level, sums: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """[group, ds, columns of `sums`]: what these expressions of a row come to in each group of a level and period that
    has any rows, sorted by both. Nothing is added for null; numbers are Float64, what is counted is Int64.

    Rows are added up in a table of groups and days, in a fraction of the time that it takes to put them into groups.

    >>> rows = pl.DataFrame({"item": ["a", "b", "a"], "ds": ["2024-01-01"] * 3, "y": [1.0, None, 2.0]})
    >>> rows = rows.with_columns(pl.col("ds").str.to_date())
    >>> sum_groups(rows, ("item",), {"y": pl.col("y"), "n": pl.col("y").is_not_null()}).drop("ds").rows()
    [('item=a', 3.0, 2), ('item=b', 0.0, 0)]
    """
    place, names = _places(rows, level)
    day = rows["ds"].to_physical().to_numpy().astype(np.int64)
    first, last = (int(day.min()), int(day.max())) if len(day) else (0, 0)
    width = last - first + 1
    key, size = place * width + (day - first), len(names) * width
    there = np.flatnonzero(np.bincount(key, minlength=size))
    made = {"group": names.gather(there // width), "ds": pl.Series(there % width + first, dtype=pl.Int32).cast(pl.Date)}
    for column in rows.with_columns(**sums).select(list(sums)):
        weights = column.cast(pl.Float64).fill_null(0.0).to_numpy()
        kind = pl.Float64 if column.dtype.is_float() else pl.Int64
        made[column.name] = pl.Series(np.bincount(key, weights, size)[there]).cast(kind)
    return pl.DataFrame(made)


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
