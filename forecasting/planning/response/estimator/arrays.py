"""Rows as arrays of periods x series: `Observed` holds sales and levers, `Cells` sums and means over groups of series.

`Observed.of` takes rows [unique_id, ds, y, ...] and lever columns by name, and returns arrays in which what was not
observed has no weight; nothing is estimated here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Observed:
    """What was sold and how the levers stood: arrays of periods x series (x levers).

    `seen` is 1 where sales and all levers are known between the first and the last sale of the series, else 0; `y` and
    `levers` are 0 elsewhere. Levers are less their mean over the seen periods of the series.
    """

    ids: pl.Series
    y: Floats
    levers: Floats
    seen: Floats

    @classmethod
    def of(cls, rows: pl.DataFrame, levers: Mapping[str, pl.Expr]) -> Observed:
        """The arrays of rows [unique_id, ds, y, ...], one row per series and period, with a lever per expression."""
        numbered = rows.sort("unique_id", "ds").with_columns(
            _series=pl.col("unique_id").rle_id(), _period=pl.col("ds").rank("dense") - 1
        )
        values = numbered.select("_series", "_period", "y", *(e.cast(pl.Float64).alias(n) for n, e in levers.items()))
        place = values["_period"].to_numpy().astype(np.int64), values["_series"].to_numpy().astype(np.int64)
        shape = (int(place[0].max()) + 1, int(place[1].max()) + 1)
        y, *columns = (_spread(values[name], place, shape) for name in ("y", *levers))
        return cls(numbered["unique_id"].unique(maintain_order=True), *_centred(y, np.stack(columns, axis=-1)))

    def only(self, levers: Sequence[int]) -> Observed:
        """The same with these levers alone, by their numbers."""
        return replace(self, levers=self.levers[..., list(levers)])


def _spread(values: pl.Series, place: tuple[Ints, Ints], shape: tuple[int, int]) -> Floats:
    """A column as an array of periods x series, NaN where there is no row or no value."""
    array = np.full(shape, np.nan)
    array[place] = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return array


def _centred(y: Floats, levers: Floats) -> tuple[Floats, Floats, Floats]:
    """y, levers and seen of Observed."""
    seen = np.isfinite(y) & np.isfinite(levers).all(-1)
    sold = np.where(seen, y, 0) > 0
    period = np.arange(len(y))[:, None]
    first = np.where(sold.any(0), sold.argmax(0), len(y))
    last = len(y) - 1 - sold[::-1].argmax(0)
    seen &= (period >= first) & (period <= last)
    levers = np.where(seen[..., None], levers, 0.0)
    mean = levers.sum(0) / np.maximum(seen.sum(0), 1)[:, None]
    return np.where(seen, y, 0.0), np.where(seen[..., None], levers - mean, 0.0), seen.astype(np.float64)


@dataclass(frozen=True)
class Cells:
    """Groups of series in spans of periods: the numbers of the `group` of each series and of the `span` of each
    period.

    >>> cells = Cells(group=np.array([0, 0, 1]), span=np.array([0, 1]))
    >>> cells.sums(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).tolist()
    [[3.0, 3.0], [9.0, 6.0]]
    """

    group: Ints
    span: Ints

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.group.max()) + 1

    @property
    def lasting(self) -> bool:
        """Whether a cell comes again or lasts for all periods, as a level and a weekday do."""
        return bool((np.diff(self.span) < 0).any() or self.span[0] == self.span[-1])

    @cached_property
    def _runs(self) -> tuple[_Runs, _Runs]:
        """The spans and the groups."""
        return _Runs.of(self.span), _Runs.of(self.group)

    def sums(self, values: Floats) -> Floats:
        """The sums over the cells of an array of periods x series: spans x groups."""
        spans, groups = self._runs
        return groups.sums(spans.sums(values, 0), 1)

    def spread(self, values: Floats) -> Floats:
        """Values of spans x groups for each period and series, with one row or column where all are the same."""
        spans, groups = self._runs
        return groups.spread(spans.spread(values, 0), 1)


@dataclass(frozen=True)
class _Runs:
    """The slices of an axis by their `number`, of which every one from 0 on is there: the `order` that brings equal
    ones together (None: they are), and where each begins.
    """

    number: Ints
    order: Ints | None
    starts: Ints

    @classmethod
    def of(cls, number: Ints) -> _Runs:
        order = np.argsort(number, kind="stable")
        starts = np.searchsorted(number[order], np.arange(number.max() + 1))
        return cls(number, None if (np.diff(number) >= 0).all() else order, starts)

    def sums(self, values: Floats, axis: int) -> Floats:
        """The sums of the slices that have the same number."""
        ordered = values if self.order is None else values.take(self.order, axis=axis)
        return ordered if len(self.starts) == len(self.number) else np.add.reduceat(ordered, self.starts, axis=axis)

    def spread(self, values: Floats, axis: int) -> Floats:
        """The value of its number for each slice; a single one is left to be broadcast."""
        alone = len(self.starts) == 1 or (self.order is None and len(self.starts) == len(self.number))
        return values if alone else values.take(self.number, axis=axis)
