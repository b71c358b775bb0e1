"""Errors injected into simulated data: `inject_errors` draws them from Options and mean demand, as InjectedErrors.

It returns masks and outlier values and changes no data; `error_table` lists them as [unique_id, ds, kind, y without the
error]. They are put only where a careful reader could see them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasting.config import Config
from forecasting.data.sources.simulator.demand_simulator import Bools, Floats
from forecasting.data.sources.simulator.options import Options

SCHEMA = {"unique_id": pl.String, "ds": pl.Date, "kind": pl.String, "y": pl.Float64}
WEEK, WEEKS_BEFORE, DAYS_BEFORE = 7, 8, 28
"""A closed week has eight weeks before it, a stock-out four weeks of the series: there must be something to compare."""
MIN_LEVEL = 8.0
"""Outliers are injected where the mean is at least this many units: six times one unit is nothing unusual."""
OUTLIER_FACTORS = (6.0, 10.0)
"""An outlier is the mean times a factor between these."""
IMPROBABLE, LONGEST = 1e-8, 7
"""A stock-out is long enough that a run of so many zeros has at most this probability, and no longer than a week. Where
even a week of zeros is likelier (an item that sells 0.2 a day), a stock-out cannot be seen, and none is injected."""


@dataclass(frozen=True)
class InjectedErrors:
    """Arrays by day and series: the recorded value of outliers (NaN elsewhere), and where the other errors are."""

    outlier: Floats
    closed: Bools
    stock_out: Bools
    gap: Bools

    def masks(self) -> dict[str, Bools]:
        """Kind of error -> Boolean array by day and series."""
        return {
            "outlier": ~np.isnan(self.outlier),
            "closed": self.closed,
            "stock_out": self.stock_out,
            "gap": self.gap,
        }


def inject_errors(options: Options, config: Config, mean: Floats, regular: Bools) -> InjectedErrors:
    """Draw the errors of the options into days that are `regular` (open, in stock, in the past).

    `mean` is the mean demand. Raises UserError where there is not enough room for an error.
    """
    free = regular.copy()
    closed = _closed_weeks(options, config, free)
    free &= ~closed
    stock_out = _stock_outs(options, config, mean, free)
    free &= ~stock_out
    outlier = np.full(mean.shape, np.nan)
    rng = options.rng("outliers")
    is_outlier = _choose_cells(rng, free & (mean >= MIN_LEVEL), options.dirt.outliers, config, "outliers")
    outlier[is_outlier] = np.round(mean[is_outlier] * rng.uniform(*OUTLIER_FACTORS, int(is_outlier.sum())))
    # a series begins with its first row and ends with its last one: a gap cannot be there
    inner = free & ~is_outlier & (np.cumsum(free, axis=0) > 1) & (np.cumsum(free[::-1], axis=0)[::-1] > 1)
    gap = _choose_cells(options.rng("gaps"), inner, options.dirt.gaps, config, "gaps")
    return InjectedErrors(outlier, closed, stock_out, gap)


def _choose_cells(rng: np.random.Generator, where: Bools, n: int, config: Config, key: str) -> Bools:
    """A mask of `n` of the true cells; raises UserError when there are fewer."""
    cells = np.flatnonzero(where)
    if n > len(cells):
        raise config.fault(f"source.options.dirt.{key}", f"{n} do not fit, there is room for {len(cells)}: give fewer")
    mask = np.zeros(where.shape, bool)
    mask.ravel()[rng.choice(cells, n, replace=False)] = True
    return mask


def _closed_weeks(options: Options, config: Config, free: Bools) -> Bools:
    """Weeks from Monday to Sunday in which a store sells nothing."""
    first = -options.start.weekday() % WEEK + WEEK * WEEKS_BEFORE
    mondays = np.arange(first, options.days - WEEK, WEEK)
    weeks = np.ones((len(mondays), options.stores), bool)
    chosen = _choose_cells(options.rng("closed weeks"), weeks, options.dirt.closed_weeks, config, "closed_weeks")
    closed = np.zeros((free.shape[0], options.stores), bool)
    for week, store in zip(*np.nonzero(chosen), strict=True):
        closed[mondays[week] : mondays[week] + WEEK, store] = True
    return np.asarray(np.repeat(closed, options.items, axis=1) & free)


def _stock_outs(options: Options, config: Config, mean: Floats, free: Bools) -> Bools:
    """Runs of days without a sale, each just long enough to be improbable."""
    rng, out = options.rng("planted stock-outs"), np.zeros(free.shape, bool)
    remaining = options.dirt.stock_outs
    spread = max(options.noise, 1e-6)
    log_chance = -np.log1p(spread * mean) / spread  # of no sale on a day
    room = free & (np.cumsum(free, axis=0) > DAYS_BEFORE)
    for cell in rng.permutation(np.flatnonzero(room & (log_chance.clip(None, 0) * LONGEST < np.log(IMPROBABLE)))):
        if not remaining:
            break
        day, series = np.unravel_index(cell, free.shape)
        run = slice(int(day), int(day) + _run_length(log_chance[day : day + LONGEST, series]))
        if run.stop > run.start and room[run, series].all():
            out[run, series] = True
            room[max(run.start - 1, 0) : run.stop + 1, series] = False
            remaining -= 1
    if remaining:
        fitting = options.dirt.stock_outs - remaining
        raise config.fault("source.options.dirt.stock_outs", f"there is room for {fitting} only: give fewer")
    return out


def _run_length(log_chance: Floats) -> int:
    """Days until a run of zeros is improbable; 0 when it never is."""
    enough = np.flatnonzero(np.cumsum(log_chance) < np.log(IMPROBABLE))
    return int(enough[0]) + 1 if len(enough) else 0


def error_table(errors: InjectedErrors, demand: Floats, dates: pl.Series, ids: list[str]) -> pl.DataFrame:
    """[unique_id, ds, kind, y]: one row per day with an error; y is the demand of the day without it, in units."""
    parts = [pl.DataFrame(schema=SCHEMA)]
    for kind, mask in errors.masks().items():
        day, series = np.nonzero(mask)
        names = pl.Series([ids[s] for s in series], dtype=pl.String)
        columns = {"unique_id": names, "ds": dates.gather(day), "kind": [kind] * len(day), "y": demand[day, series]}
        parts.append(pl.DataFrame(columns, schema=SCHEMA))
    return pl.concat(parts)
