"""Rhythms: phases of a cycle (weekdays, months, every second week) in which a series never has a row while others do.

`closed_phases` takes [id, ds], the periods with a row of series or groups, and returns [id, cycle, phase]. It is found
by probability: the rows of each phase are counted over the rounds in which anything was sold; that some phases have
(nearly) none must be far likelier with rates of their own than with one rate for all, after the cost of having chosen
these phases. So a table in which only days with sales are recorded has no closed days by chance.
"""

from __future__ import annotations

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


def closed_phases(days: pl.DataFrame, frequency: Frequency) -> pl.DataFrame:
    """[id, cycle, phase]: the phases in which each id of `days` [id, ds] (its periods with a row) is closed.

    An id that has rows in the two newest rounds of a phase is not closed in it, whatever was before.
    """
    parts = [_closed_in_window(days, cycle, window) for cycle in cycles_of(frequency) for window in cycle.windows]
    return pl.concat([pl.DataFrame(schema=PHASES), *parts]).unique()


def _closed_in_window(days: pl.DataFrame, cycle: Cycle, window: int) -> pl.DataFrame:
    """The closed phases of a cycle as the newest `window` rounds of each id show them."""
    places = days.select("id", _place=cycle.place).unique()
    place, n = pl.col("_place"), cycle.phases
    spans = places.group_by("id").agg(_first=place.min(), _last=place.max())
    near = places.join(spans, on="id").filter(place // n > pl.col("_last") // n - window)
    spans = near.group_by("id").agg(pl.col("_first", "_last").first(), _rounds=(place // n).n_unique()).sort("id")
    newest = (place > pl.col("_last") - 2 * n).sum()
    counts = near.group_by("id", (place % n).alias("phase")).agg(_rows=pl.len(), _new=newest)
    grid = spans.select("id").join(pl.DataFrame({"phase": range(n)}), how="cross")
    counts = grid.join(counts, on=["id", "phase"], how="left", maintain_order="left").fill_null(0)
    due = _due(spans, cycle, window)
    rows, new = (counts[c].to_numpy().reshape(-1, n).astype(np.int64) for c in ("_rows", "_new"))
    closed = _improbable(rows, due, cycle) & (new < 2)
    return counts.select("id", cycle=pl.lit(cycle.name), phase="phase").filter(pl.Series(closed.reshape(-1)))


def _due(spans: pl.DataFrame, cycle: Cycle, window: int) -> Counts:
    """(ids, phases): in how many rounds with rows each phase lies between the first and the last row of the id."""
    n = cycle.phases
    first, last, rounds = (spans[c].to_numpy().astype(np.int64)[:, None] for c in ("_first", "_last", "_rounds"))
    first = np.maximum(first, (last // n - window + 1) * n)
    phases = np.arange(n)[None, :]
    return np.asarray(rounds - (phases < first % n) - (phases > last % n))


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
