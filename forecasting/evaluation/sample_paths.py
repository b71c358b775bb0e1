"""Sums over several periods from sample paths whose errors hang together as those of the backtests did.

Bounds of single days do not add up: errors of neighbouring days are alike (a promotion that was underrated, a level
that moved), and those of many series share the weather. So no day is drawn alone. One draw takes a past window for all
series together, and with it whole vectors of scaled residuals over the steps: for each series that of one that is as
regular (forecast over scale). What was common to the window stays common, and may come with the other sign, as in the
bounds (see intervals); where nothing was sold, nothing is sold in the path.

What one window had in common is not taken off as a bias: with few windows that would be all that a total can err. On
real sales, one window known, 80 % intervals of sums over the whole horizon held (before: the bias taken off): items by
day 79 % (80 %) and their stores 83 % (74 %), departments by day 83 % (79 %) and their stores 79 % (64 %), groceries by
week 70 % (70 %) and their stores 75 % (63 %).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.intervals.residuals import is_closed, scaled_residuals

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEIGHBOURS = 50
"""A series takes the vector of one of so many that are next to it: its own few windows are not all it may
do, and drawn alone they made sums too narrow.
"""

MOST = 20_000
"""So many series tell for all: whole ones are left out, and with them the time and room that their vectors take."""
TINY = 1e-9


@dataclass(frozen=True)
class ErrorPool:
    """What paths are drawn from, however many series at a time.

    Of every known series and window: how regular it is, its window, its errors (rows, steps) and on which of them
    nothing was sold. Of every draw: its window, and what is taken off (draws, steps).
    """

    regular: Floats
    windows: Ints
    errors: Floats
    idle: NDArray[np.bool_]
    drawn: Ints
    turned: Floats
    y_min: float | None


@dataclass(frozen=True)
class SamplePaths:
    """`ids`, and the sampled sales (draws, series, steps) in units of y."""

    ids: tuple[str, ...]
    values: Floats

    def sums(self, periods: int) -> Floats:
        """The sums over the first `periods` steps (draws, series)."""
        return np.asarray(self.values[:, :, :periods].sum(axis=2))


def fit_error_pool(
    residuals: pl.DataFrame, steps: int, y_min: float | None = None, n: int = 500, seed: int = 0
) -> ErrorPool:
    """The windows and signs of `n` draws over the steps 1..`steps`, common to all series that are drawn from it.

    `residuals` are backtest rows of one model and grain that were over (unique_id, cutoff, step, y, yhat, scale).
    Raises ValueError when there is no window to draw from.
    """
    every = -(-residuals["unique_id"].n_unique() // MOST)
    told = residuals if every < 2 else residuals.filter(pl.col("unique_id").rank("dense") % every == 0)
    pool = residual_vectors(told, steps, y_min)
    if pool.is_empty():
        raise ValueError("there is no past window with all steps to draw errors from")
    windows = pool["cutoff"].rank("dense").cast(pl.Int64).to_numpy() - 1
    errors, idle = (pool[c].explode().to_numpy().reshape(pool.height, steps) for c in ("vector", "none"))
    size = pool["size"].to_numpy()
    own = [windows == window for window in range(windows.max() + 1)]
    common = np.stack([np.average(errors[here], axis=0, weights=size[here]) for here in own])
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(own), n)
    turned = np.asarray(2.0 * common[drawn] * rng.integers(0, 2, (n, 1)))
    return ErrorPool(pool["regular"].to_numpy(), windows, errors, idle, drawn, turned, y_min)


def draw_paths(rows: pl.DataFrame, known: ErrorPool, seed: int = 0) -> SamplePaths:
    """Sample paths of the forecasts `rows` of one model (unique_id, step, yhat, scale), one for each draw of `known`.

    Their mean is yhat where no floor cuts; closed days have no error. Rows may come in parts, each with a seed of its
    own: windows and signs are the same for all. Raises ValueError when a series lacks a step.
    """
    sizes = pl.when(is_closed(rows.columns)).then(0.0).otherwise("scale").alias("scale")
    ordered = rows.with_columns(sizes).sort("unique_id", "step")
    ids = ordered["unique_id"].unique(maintain_order=True).to_list()
    steps = known.turned.shape[1]
    if ordered.height != len(ids) * steps:
        raise ValueError("every series needs one row for each step")
    yhat, scale = (ordered[c].to_numpy().reshape(len(ids), steps) for c in ("yhat", "scale"))
    taken = _taken(known, yhat.mean(axis=1) / np.maximum(scale.mean(axis=1), TINY), np.random.default_rng(seed))
    values = yhat + (known.errors[taken] - known.turned[:, None, :]) * scale
    if known.y_min is not None:
        values = _floored(np.where(known.idle[taken], known.y_min, values), yhat, known.y_min)
    return SamplePaths(tuple(ids), values)


def residual_vectors(residuals: pl.DataFrame, steps: int, y_min: float | None = None) -> pl.DataFrame:
    """[unique_id, cutoff, regular, size, vector, none]: for each series and window the scaled residuals over the steps
    1..steps, their mean scale, and on which of them nothing was sold (y at `y_min`).

    A step that was not observed or closed counts as no error, at most half of them.
    """
    idle = pl.lit(value=False) if y_min is None else pl.col("y") <= y_min
    rows = scaled_residuals(residuals).filter(pl.col("step") <= steps)
    facts = {"regular": pl.col("yhat").mean() / pl.col("scale").mean(), "size": pl.col("scale").mean()}
    seen = rows.group_by("unique_id", "cutoff").agg(pl.len(), **facts).filter(pl.col("len") * 2 > steps)
    every = seen.join(pl.DataFrame({"step": range(1, steps + 1)}, schema={"step": pl.Int32}), how="cross")
    known = rows.select("unique_id", "cutoff", pl.col("step").cast(pl.Int32), "r", none=idle)
    full = every.join(known, on=["unique_id", "cutoff", "step"], how="left").sort("unique_id", "cutoff", "step")
    kept = full.group_by("unique_id", "cutoff", *facts, maintain_order=True)
    whole = kept.agg(vector=pl.col("r").fill_null(0.0), none=pl.col("none").fill_null(value=False))
    return whole.sort("cutoff", "regular", "unique_id")


def sum_quantiles(totals: Floats, probabilities: Mapping[str, float]) -> pl.DataFrame:
    """One column for each of the probabilities, one row for each series of `totals` (draws, series)."""
    found = np.quantile(totals, list(probabilities.values()), axis=0)
    return pl.DataFrame(dict(zip(probabilities, found, strict=True)))


def _taken(known: ErrorPool, size: Floats, rng: np.random.Generator) -> Ints:
    """Rows of what is known (draws, series): of the draw's window one that is as regular as the series."""
    taken = np.empty((len(known.drawn), len(size)), dtype=np.int64)
    for window in range(known.windows.max() + 1):
        draws, here = np.flatnonzero(known.drawn == window), np.flatnonzero(known.windows == window)
        taken[draws] = here[_near(known.regular[here], size, len(draws), rng)]
    return taken


def _near(known: Floats, size: Floats, n: int, rng: np.random.Generator) -> Ints:
    """Places in `known`, which ascends, of one of the nearest to each size (n, series); equal ones are all as near."""
    width = min(NEIGHBOURS, len(known))
    left, right = (np.searchsorted(known, size, side=side) for side in ("left", "right"))
    middle = rng.integers(left, np.maximum(right, left + 1), (n, len(size)))
    first = np.clip(middle - width // 2, 0, len(known) - width)
    return np.asarray(first + rng.integers(0, width, first.shape))


def _floored(values: Floats, yhat: Floats, y_min: float) -> Floats:
    """Nothing below `y_min`; what that adds to the mean is taken off the rest above it in proportion."""
    cut = np.maximum(values, y_min) - y_min
    mean = cut.mean(axis=0)
    fair = np.divide(np.maximum(yhat - y_min, 0), mean, out=np.ones_like(mean), where=mean > 0)
    return np.asarray(y_min + cut * fair)
