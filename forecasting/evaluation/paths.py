"""Sums over several periods from sample paths whose errors hang together as those of the backtests did.

Bounds of single days do not add up: errors of neighbouring days are alike (a promotion that was underrated, a level
that moved), and those of many series share the weather. So no day is drawn alone. One draw takes a past window for all
series together, and with it whole vectors of scaled residuals over the steps: for each series that of one that is as
regular (forecast over scale). What was common to the window stays common, and may come with the other sign, as in the
bounds (see intervals); where nothing was sold, nothing is sold in the path.

On real sales, one or two windows known, 80 % intervals of sums held: items by day 80, 81 and 79 % (7, 14 and 28 days),
departments by day 82, 81 and 77 %, spare parts 83 and 82 % (3 and 6 months), groceries 74 and 75 % (4 and 8 weeks),
stores 83, 83 and 72 % (7, 14 and 42 days). Without the days on which nothing was sold items held 66 to 72 %. Errors
that last for the whole horizon are told by as many windows as are known, so the longest sums are the least sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.intervals.residuals import closed_in, scaled

Floats = NDArray[np.float64]
NEIGHBOURS = 50
"""A series takes the vector of one of so many that are next to it: its own few windows are not all it may
do, and drawn alone they made sums too narrow.
"""

TINY = 1e-9


@dataclass(frozen=True)
class Paths:
    """`ids`, and the sampled sales (draws, series, steps) in units of y."""

    ids: tuple[str, ...]
    values: Floats

    def sums(self, periods: int, probabilities: Sequence[float]) -> pl.DataFrame:
        """[unique_id, periods, q-P ...]: quantiles of the sum over the first `periods` steps of each series."""
        totals = self.values[:, :, :periods].sum(axis=2)
        return _quantiles(self.ids, totals, periods, probabilities)

    def together(self, periods: int, probabilities: Sequence[float]) -> pl.DataFrame:
        """The same of the sum over all series, named "total"."""
        totals = self.values[:, :, :periods].sum(axis=(1, 2))
        return _quantiles(("total",), totals[:, None], periods, probabilities)


def paths(
    rows: pl.DataFrame, residuals: pl.DataFrame, n: int = 500, seed: int = 0, y_min: float | None = None
) -> Paths:
    """`n` sample paths of the forecasts `rows` of one model (unique_id, step, yhat, scale).

    `residuals` are backtest rows of that model and grain that were over (unique_id, cutoff, step, y, yhat, scale).
    Errors are centred per step, since yhat is the mean; closed days have none. Raises ValueError when a series lacks
    a step, and when there is no past window to draw from.
    """
    sizes = pl.when(closed_in(rows.columns)).then(0.0).otherwise("scale").alias("scale")
    ordered = rows.with_columns(sizes).sort("unique_id", "step")
    ids = ordered["unique_id"].unique(maintain_order=True).to_list()
    steps = ordered["step"].n_unique()
    if ordered.height != len(ids) * steps:
        raise ValueError("every series needs one row for each step")
    yhat, scale = (ordered[c].to_numpy().reshape(len(ids), steps) for c in ("yhat", "scale"))
    pool = vectors(residuals, steps, y_min)
    if pool.is_empty():
        raise ValueError("there is no past window with all steps to draw errors from")
    known = np.stack(pool["vector"].to_list())
    shares = known - known.mean(axis=0)
    rng = np.random.default_rng(seed)
    taken, windows = _drawn(pool, yhat.mean(axis=1) / np.maximum(scale.mean(axis=1), TINY), n, rng)
    errors = shares[taken] - _turned(shares, pool, windows, rng)[:, None, :]
    values = yhat + errors * scale
    if y_min is not None:
        values = _floored(np.where(np.stack(pool["none"].to_list())[taken], y_min, values), yhat, y_min)
    return Paths(tuple(ids), values)


def vectors(residuals: pl.DataFrame, steps: int, y_min: float | None = None) -> pl.DataFrame:
    """[unique_id, cutoff, regular, vector, none]: for each series and window the scaled residuals over the steps
    1..steps, and on which of them nothing was sold (y at `y_min`).

    A step that was not observed or closed counts as no error, at most half of them.
    """
    idle = pl.lit(value=False) if y_min is None else pl.col("y") <= y_min
    rows = scaled(residuals).filter(pl.col("step") <= steps)
    regular = pl.col("yhat").mean() / pl.col("scale").mean()
    seen = rows.group_by("unique_id", "cutoff").agg(pl.len(), regular=regular).filter(pl.col("len") * 2 > steps)
    every = seen.join(pl.DataFrame({"step": range(1, steps + 1)}, schema={"step": pl.Int32}), how="cross")
    known = rows.select("unique_id", "cutoff", pl.col("step").cast(pl.Int32), "r", none=idle)
    full = every.join(known, on=["unique_id", "cutoff", "step"], how="left").sort("unique_id", "cutoff", "step")
    kept = full.group_by("unique_id", "cutoff", "regular", maintain_order=True)
    whole = kept.agg(vector=pl.col("r").fill_null(0.0), none=pl.col("none").fill_null(value=False))
    return whole.sort("cutoff", "regular", "unique_id")


def _drawn(
    pool: pl.DataFrame, size: Floats, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the pool (n, series), and the number of the window of each draw (n,)."""
    code, regular = _windows(pool), pool["regular"].to_numpy()
    windows = rng.integers(0, code.max() + 1, n)
    taken = np.empty((n, len(size)), dtype=np.int64)
    for window in range(code.max() + 1):
        draws, here = np.flatnonzero(windows == window), np.flatnonzero(code == window)
        taken[draws] = here[_near(regular[here], size, len(draws), rng)]
    return taken, windows


def _windows(pool: pl.DataFrame) -> NDArray[np.int64]:
    """The number of the window of each row, from 0."""
    return pool["cutoff"].rank("dense").cast(pl.Int64).to_numpy() - 1


def _near(known: Floats, size: Floats, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places in `known`, which ascends, of one of the nearest to each size (n, series); equal ones are all as near."""
    width = min(NEIGHBOURS, len(known))
    left, right = (np.searchsorted(known, size, side=side) for side in ("left", "right"))
    middle = rng.integers(left, np.maximum(right, left + 1), (n, len(size)))
    first = np.clip(middle - width // 2, 0, len(known) - width)
    return np.asarray(first + rng.integers(0, width, first.shape))


def _turned(shares: Floats, pool: pl.DataFrame, windows: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """What to take off each draw (draws, steps): nothing, or twice the common error of its window."""
    code = _windows(pool)
    common = np.stack([shares[code == w].mean(axis=0) for w in range(code.max() + 1)])
    return np.asarray(2 * common[windows] * rng.integers(0, 2, (len(windows), 1)))


def _floored(values: Floats, yhat: Floats, y_min: float) -> Floats:
    """Nothing below `y_min`; what that adds to the mean is taken off the rest above it in proportion."""
    cut = np.maximum(values, y_min) - y_min
    mean = cut.mean(axis=0)
    fair = np.divide(np.maximum(yhat - y_min, 0), mean, out=np.ones_like(mean), where=mean > 0)
    return np.asarray(y_min + cut * fair)


def _quantiles(ids: Sequence[str], totals: Floats, periods: int, probabilities: Sequence[float]) -> pl.DataFrame:
    columns = {f"q-{round(100 * p)}": np.quantile(totals, p, axis=0) for p in probabilities}
    return pl.DataFrame({"unique_id": list(ids), "periods": [periods] * len(ids), **columns})
