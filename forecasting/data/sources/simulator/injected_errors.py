"""Dirt that is planted into the made-up chain, where it can be seen, and what was there before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasting.config import Config
from forecasting.data.sources.simulator.demand_simulator import Bools, Floats, Options

SCHEMA = {"unique_id": pl.String, "ds": pl.Date, "kind": pl.String, "y": pl.Float64}
WEEK, UNSEEN_WEEKS, UNSEEN_DAYS = 7, 8, 28
"""A closed week is planted after eight weeks, a stock-out after four of a series' life: they need something to be
compared with."""
LEAST = 8.0
"""Outliers are planted where this many units are usual: six times one unit is nothing odd."""
SLIPPED = (6.0, 10.0)
"""How many times the usual sales an outlier is."""
IMPROBABLE, LONGEST = 1e-8, 7
"""A stock-out is so long that chance alone makes such a run of zeros so rarely, and no longer than a week. Where even a
week of zeros is likelier (an item that sells 0.2 a day) nobody can see one, and none is planted."""


@dataclass(frozen=True)
class Planted:
    """By day and series: what an outlier tells (else NaN), and where the rest lies."""

    odd: Floats
    closed: Bools
    out: Bools
    gap: Bools

    def kinds(self) -> dict[str, Bools]:
        """Each kind of dirt and where it lies."""
        return {"outlier": ~np.isnan(self.odd), "closed": self.closed, "stock_out": self.out, "gap": self.gap}


def plant(o: Options, config: Config, mean: Floats, free: Bools) -> Planted:
    """Draw the dirt of the options into the days that are `free` (sold and told as they were); `mean` is what usually
    sells. Raises UserError where there is no room.
    """
    free = free.copy()
    closed = _closed_weeks(o, config, free)
    free &= ~closed
    out = _stock_outs(o, config, mean, free)
    free &= ~out
    told = np.full(mean.shape, np.nan)
    rng = o.rng("outliers")
    odd = _some(rng, free & (mean >= LEAST), o.dirt.outliers, config, "outliers")
    told[odd] = np.round(mean[odd] * rng.uniform(*SLIPPED, int(odd.sum())))
    # a series begins with its first row and ends with its last one: there is no gap
    inner = free & ~odd & (np.cumsum(free, axis=0) > 1) & (np.cumsum(free[::-1], axis=0)[::-1] > 1)
    return Planted(told, closed, out, _some(o.rng("gaps"), inner, o.dirt.gaps, config, "gaps"))


def _some(rng: np.random.Generator, where: Bools, n: int, config: Config, key: str) -> Bools:
    """A mask of `n` of the true cells."""
    cells = np.flatnonzero(where)
    if n > len(cells):
        raise config.fault(f"source.options.dirt.{key}", f"{n} do not fit, there is room for {len(cells)}: plant fewer")
    made = np.zeros(where.shape, bool)
    made.ravel()[rng.choice(cells, n, replace=False)] = True
    return made


def _closed_weeks(o: Options, config: Config, free: Bools) -> Bools:
    """Whole weeks from Monday in which a store sells nothing."""
    first = -o.start.weekday() % WEEK + WEEK * UNSEEN_WEEKS
    mondays = np.arange(first, o.days - WEEK, WEEK)
    chosen = _some(
        o.rng("closed weeks"), np.ones((len(mondays), o.stores), bool), o.dirt.closed_weeks, config, "closed_weeks"
    )
    closed = np.zeros((free.shape[0], o.stores), bool)
    for week, store in zip(*np.nonzero(chosen), strict=True):
        closed[mondays[week] : mondays[week] + WEEK, store] = True
    return np.asarray(np.repeat(closed, o.items, axis=1) & free)


def _stock_outs(o: Options, config: Config, mean: Floats, free: Bools) -> Bools:
    """Runs of days without a sale, each just long enough to be seen."""
    rng, out, left = o.rng("planted stock-outs"), np.zeros(free.shape, bool), o.dirt.stock_outs
    spread = max(o.noise, 1e-6)
    log = -np.log1p(spread * mean) / spread
    room = free & (np.cumsum(free, axis=0) > UNSEEN_DAYS)
    for cell in rng.permutation(np.flatnonzero(room & (log.clip(None, 0) * LONGEST < np.log(IMPROBABLE)))):
        if not left:
            break
        day, series = np.unravel_index(cell, free.shape)
        run = slice(int(day), int(day) + _length(log[day : day + LONGEST, series]))
        if run.stop > run.start and room[run, series].all():
            out[run, series] = True
            room[max(run.start - 1, 0) : run.stop + 1, series] = False
            left -= 1
    if left:
        made = o.dirt.stock_outs - left
        raise config.fault("source.options.dirt.stock_outs", f"there is room for {made} only: plant fewer")
    return out


def _length(log: Floats) -> int:
    """Days until the run is improbable; 0 when it never is."""
    enough = np.flatnonzero(np.cumsum(log) < np.log(IMPROBABLE))
    return int(enough[0]) + 1 if len(enough) else 0


def planted(dirt: Planted, sold: Floats, dates: pl.Series, ids: list[str]) -> pl.DataFrame:
    """[unique_id, ds, kind, y]: every dirty day, and what was sold, or would have been, without the dirt."""
    parts = [pl.DataFrame(schema=SCHEMA)]
    for kind, where in dirt.kinds().items():
        day, series = np.nonzero(where)
        names = pl.Series([ids[s] for s in series], dtype=pl.String)
        columns = {"unique_id": names, "ds": dates.gather(day), "kind": [kind] * len(day), "y": sold[day, series]}
        parts.append(pl.DataFrame(columns, schema=SCHEMA))
    return pl.concat(parts)
