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

from forecasting.data.closures.cycles import YEAR, Cycle, cycles_of
from forecasting.frequency import Frequency

EXCEPTIONS = 0.1
"""A closed phase may have rows at up to this share of the rate of the others: Sundays before Christmas."""
PHASES = {"id": pl.String, "cycle": pl.String, "phase": pl.Int64}

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def closed_phases(days: pl.DataFrame, frequency: Frequency) -> pl.DataFrame:
    """[id, cycle, phase]: the phases in which each id of `days` [id, ds] (its periods with a row) is closed.

    An id that has rows in the two newest rounds of a phase is not closed in it, whatever was before.
    """
    names = days["id"].unique(maintain_order=True)
    numbered = days.select("ds", id=pl.col("id").cast(pl.Enum(names)).to_physical())
    parts = [_closed_in_window(places, cycle, names) for cycle, places in _places(numbered, frequency)]
    return pl.concat([pl.DataFrame(schema=PHASES), *parts]).unique()


def _places(days: pl.DataFrame, frequency: Frequency) -> Iterator[tuple[Cycle, pl.DataFrame]]:
    """Each cycle with [id, place]: the places in it at which each id, a number, has rows."""
    for cycle in cycles_of(frequency):
        places = days.select("id", place=cycle.place.cast(pl.Int32))
        yield cycle, places.unique() if cycle.name == YEAR else places


def _closed_in_window(places: pl.DataFrame, cycle: Cycle, names: pl.Series) -> pl.DataFrame:
    """The closed phases of a cycle as the newest rounds of each id show them, over any of the cycle's windows."""
    place, n = pl.col("place"), cycle.phases
    spans = places.group_by("id").agg(first=place.min(), last=place.max()).sort("id")
    last = spans["last"].to_numpy().astype(np.int64)
    ids, at = (places[c].to_numpy().astype(np.int64) for c in ("id", "place"))
    closed = np.zeros((len(last), n), dtype=bool)
    for window in cycle.windows:
        first = np.maximum(spans["first"].to_numpy(), (last // n - window + 1) * n)
        near = at >= first[ids]
        mine, where = ids[near], at[near]
        rows = np.bincount(mine * n + where % n, minlength=closed.size).reshape(-1, n)
        new = np.bincount((mine * n + where % n)[where > last[mine] - 2 * n], minlength=closed.size).reshape(-1, n)
        closed |= _improbable(rows, _due(mine, where, first, last, n), cycle) & (new < 2)
    found = np.argwhere(closed)
    phase = pl.Series("phase", found[:, 1], pl.Int64)
    return pl.DataFrame({"id": names.gather(found[:, 0])}).select("id", pl.lit(cycle.name).alias("cycle"), phase)


def _due(ids: Counts, at: Counts, first: Counts, last: Counts, n: int) -> Counts:
    """(ids, phases): in how many rounds with rows each phase lies between the first and the last row of the id."""
    spread = int((last // n).max()) + 1 if len(last) else 1
    low = int((first // n).min()) if len(first) else 0
    active = np.zeros((len(last), spread - low), dtype=bool)
    active[ids, at // n - low] = True
    phases = np.arange(n)[None, :]
    return np.asarray(active.sum(axis=1)[:, None] - (phases < (first % n)[:, None]) - (phases > (last % n)[:, None]))


def _improbable(rows: Counts, due: Counts, cycle: Cycle) -> NDArray[np.bool_]:
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
