"""Rhythms: phases of a cycle (weekdays, months, every second week) in which a series never has a row while others do.

`closed_phases` takes [id, ds], the periods with a row of series or groups, and returns [id, cycle, phase]. It is found
by probability: the rows of each phase are counted over the rounds in which anything was sold; that some phases have
(nearly) none must be far likelier with rates of their own than with one rate for all, after the cost of having chosen
these phases. So a table in which only days with sales are recorded has no closed days by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.data.closures.cycles import Cycle, cycles_of
from forecasting.frequency import Frequency

EXCEPTIONS = 0.1
"""A closed phase may have rows at up to this share of the rate of the others: Sundays before Christmas."""
PHASES = {"id": pl.String, "cycle": pl.String, "phase": pl.Int64}

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]


def closed_phases(days: pl.DataFrame, frequency: Frequency) -> pl.DataFrame:
    """[id, cycle, phase]: the phases in which each id of `days` [id, ds] (its periods with a row) is closed.

    An id that has rows in the two newest rounds of a phase is not closed in it, whatever was before.
    """
    empty, names = pl.DataFrame(schema=PHASES), _runs(days)
    if names.n_unique() < len(names):
        days = days.sort("id", maintain_order=True)
        names = _runs(days)
    if days.is_empty():
        return empty
    ids = days.select(pl.col("id").rle_id()).to_series().to_numpy().astype(np.int64)
    parts = [_closed(_table(ids, places), cycle, names) for cycle, places in _places(days["ds"], frequency)]
    return pl.concat([empty, *parts])


def _runs(days: pl.DataFrame) -> pl.Series:
    """The id of each run of rows with the same one."""
    return days["id"].rle().struct.field("value")


def _places(ds: pl.Series, frequency: Frequency) -> Iterator[tuple[Cycle, Counts]]:
    """Each cycle with the place in it of each day, in whole rounds from the earliest; looked up by day, of which there
    are few.
    """
    day = ds.to_physical().to_numpy().astype(np.int64)
    first = int(day.min())
    rows = np.flatnonzero(np.bincount(day - first))
    different = pl.DataFrame({"ds": pl.Series(rows + first, dtype=pl.Int32).cast(pl.Date)})
    for cycle in cycles_of(frequency):
        found = np.zeros(int(rows[-1]) + 1, np.int64)
        found[rows] = different.select(cycle.place).to_series().to_numpy()
        lowest = int(found[rows].min()) // cycle.phases * cycle.phases
        yield cycle, found[day - first] - lowest


def _table(ids: Counts, places: Counts) -> Flags:
    """(ids, places): whether there is a row."""
    there = np.zeros((int(ids.max()) + 1, int(places.max()) + 1), dtype=bool)
    there[ids, places] = True
    return there


def _closed(there: Flags, cycle: Cycle, names: pl.Series) -> pl.DataFrame:
    """The closed phases of a cycle as the newest rounds of each id show them, over any of the cycle's windows."""
    n, width = cycle.phases, there.shape[1]
    first, last = there.argmax(axis=1), width - 1 - there[:, ::-1].argmax(axis=1)
    rounds = np.pad(there, ((0, 0), (0, -width % n))).reshape(len(there), -1, n)
    new, active = _newest(there, last, n), np.asarray(rounds.any(axis=2))
    closed = np.zeros((len(there), n), dtype=bool)
    for window in cycle.windows:
        since = last // n - window + 1
        begin = max(0, int(since.min()))
        near = np.arange(begin, rounds.shape[1]) >= since[:, None]
        due = _due((active[:, begin:] & near).sum(axis=1), np.maximum(first, since * n), last, n)
        rows = (rounds[:, begin:] & near[:, :, None]).sum(axis=1)
        closed |= _improbable(rows, due, cycle) & (new < 2)
    found = np.argwhere(closed)
    phase = pl.Series("phase", found[:, 1], pl.Int64)
    return pl.DataFrame({"id": names.gather(found[:, 0])}).select("id", pl.lit(cycle.name).alias("cycle"), phase)


def _newest(there: Flags, last: Counts, n: int) -> Counts:
    """(ids, phases): how many rows each phase has in its two newest rounds."""
    newest = last[:, None] - (last[:, None] - np.arange(n)) % n
    both = [np.where(at >= 0, np.take_along_axis(there, at.clip(0), axis=1), False) for at in (newest, newest - n)]
    return np.asarray(both[0].astype(np.int64) + both[1])


def _due(active: Counts, first: Counts, last: Counts, n: int) -> Counts:
    """(ids, phases): in how many rounds with rows each phase lies between the first and the last row of the id."""
    phases = np.arange(n)[None, :]
    return np.asarray(active[:, None] - (phases < (first % n)[:, None]) - (phases > (last % n)[:, None]))


def _improbable(rows: Counts, due: Counts, cycle: Cycle) -> Flags:
    """(ids, phases): whether a phase is among those that have too few `rows` for the rounds in which it was `due`."""
    rate = np.where(due > 0, rows / np.maximum(due, 1), np.inf)
    order = np.argsort(rate, axis=1, kind="stable")
    k, n = (np.take_along_axis(a, order, axis=1).cumsum(axis=1).astype(float) for a in (rows, due))
    all_k, all_n = k[:, -1:], n[:, -1:]
    few, many = _log_likelihood(k, n), _log_likelihood(all_k - k, all_n - n)
    choices = np.log([float(comb(cycle.phases, j + 1)) for j in range(cycle.phases)])
    gain = few + many - _log_likelihood(all_k, all_n) - choices[None, :]
    gain[:, -1] = -np.inf
    best = gain.argmax(axis=1)[:, None]
    found = np.take_along_axis(gain, best, axis=1) > -np.log(cycle.improbable)
    rate_of_others = np.take_along_axis((all_k - k) / np.maximum(all_n - n, 1), best, axis=1)
    place = np.argsort(order, axis=1)
    nearly_never = rows <= EXCEPTIONS * due * rate_of_others
    return np.asarray(found & (place <= best) & nearly_never & (due >= cycle.fewest))


def _log_likelihood(k: Floats, n: Floats) -> Floats:
    """The logarithm of the chance of k rows in n rounds, with the rate that they suggest (Krichevsky-Trofimov)."""
    rate = (k + 0.5) / (n + 1)
    return np.asarray(k * np.log(rate) + (n - k) * np.log1p(-rate))
