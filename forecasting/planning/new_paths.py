"""Sales of new series, drawn: `draw_new` takes rows with a median and bounds, returns values (draws, series, steps).

What is in doubt is how large such a series is, and that is the same in all periods: a draw takes the same quantile on
each of its days, so that bounds of its sums are the sums of its bounds (see evaluation/sums).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.metrics import bound_probabilities

Floats = NDArray[np.float64]


def draw_new(rows: pl.DataFrame, draws: int, seed: int) -> Floats:
    """Sales (draws, series, steps) in units of y of the series in `rows` [unique_id, q50, lo-L, hi-L ...], which hold
    the same number of steps of each, sorted; days without bounds sell nothing. Each series is drawn by itself.

    >>> rows = pl.DataFrame({"unique_id": ["a", "a"], "q50": [2.0, 20.0], "lo-80": [1.0, 10.0], "hi-80": [4.0, 40.0]})
    >>> drawn = draw_new(rows, 1000, 0)
    >>> drawn.shape, bool(np.allclose(drawn[:, :, 1], 10 * drawn[:, :, 0])), round(float(np.median(drawn[:, :, 0])), 1)
    ((1000, 1, 2), True, 2.0)
    """
    levels = sorted({int(c[3:]) for c in rows.columns if c.startswith(("lo-", "hi-"))})
    places = dict(sorted(({"q50": 0.5} | bound_probabilities(levels)).items(), key=lambda place: place[1]))
    series = rows["unique_id"].n_unique()
    known = rows.select(pl.col(c).fill_null(0.0) for c in places).to_numpy()
    values = known.reshape(series, rows.height // max(series, 1), len(places))
    # quantiles at equal distances, in another order for each series: of one alone no chance is left
    even = np.tile((np.arange(draws) + 0.5)[:, None] / draws, (1, series))
    at, shares = np.random.default_rng(seed).permuted(even, axis=0), np.array(list(places.values()))
    # beyond the outermost bounds nothing is known: they stand for what lies there
    below = np.clip(np.searchsorted(shares, at) - 1, 0, len(places) - 2)
    weight = np.clip((at - shares[below]) / (shares[below + 1] - shares[below]), 0.0, 1.0)[:, :, None]
    each = np.arange(series)
    low, high = (values[each, :, below + step] for step in (0, 1))
    return np.asarray(low * (1 - weight) + high * weight)
