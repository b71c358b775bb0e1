"""The days of series as arrays, for events: `read_history` takes a Design, its decomposition and events.

It returns a History: what was sold, what is expected without a promotion, and which days are quiet; `within` returns
sums over windows of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.planning.decomposition.design import Design
from forecasting.planning.decomposition.pooled import Noise

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class History:
    """Arrays over the rows of a design. `sold` and `expected` (without a promotion, at the price of the row) are in
    units and 0 where no sale could be observed, else `seen`; `price` is the logarithm that the price adds. `quiet`
    rows are seen, without a promotion on them or just before. `begin` and `end` are the first and the last row of
    the row's series, `noise` is that of sales.
    """

    seen: Bools
    quiet: Bools
    sold: Floats
    expected: Floats
    price: Floats
    begin: Ints
    end: Ints
    noise: Noise


def read_history(design: Design, effects: pl.DataFrame, noise: Noise, after: int) -> History:
    """The history behind a design and its decomposition; so many periods `after` a promotion are not quiet."""
    expected = effects["expected"].fill_null(0.0).to_numpy() * np.exp(-effects["promotion"].to_numpy())
    seen = design.fitted & (expected > 0)
    starts = np.flatnonzero(np.diff(design.series, prepend=-1))
    ends = np.append(starts[1:], len(expected)) - 1
    on = np.concatenate([[0.0], np.cumsum(design.promo != 0)])
    rows = np.arange(len(expected))
    begin = starts[design.series]
    quiet = seen & (on[rows + 1] == on[np.maximum(rows - after, begin)])
    sold = np.where(seen, design.y, 0.0)
    prices = effects["price"].to_numpy()
    return History(seen, quiet, sold, np.where(seen, expected, 0.0), prices, begin, ends[design.series], noise)


def within(values: Floats, first: Ints, last: Ints) -> Floats:
    """The sums of `values` over the rows first..last of each window; 0 where last lies before first.

    >>> within(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 2]), np.array([1, 2, 1])).tolist()
    [3.0, 6.0, 0.0]
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(np.where(last >= first, sums[np.maximum(last, first - 1) + 1] - sums[first], 0.0))
