"""What an event brought: `measure` takes events and the history of their series and returns sums with standard errors.

The baseline is what the decomposition expects without the promotion and at the price before, times how the series sold
on quiet days nearby beside what was expected of them. Level, trend, season and holidays are estimated together with the
promotion, so they hold none of it. A standard error has two parts: the noise of single days, and the doubt about the
level.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.planning.decomposition.shrinkage import between_variance
from forecasting.planning.events.history import History, within

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SMALL = 1e-12


def measure(events: pl.DataFrame, history: History, near: int, after: int) -> pl.DataFrame:
    """The events with [periods, sold, baseline, uplift, uplift_se, dip, dip_se], in units of y; those without a day
    that could be observed are left out.

    `near` is how many periods before and after an event tell its level, `after` how many behind it are looked at for a
    dip, at most up to the next event of the series.

    >>> from forecasting.planning.decomposition.pooled import Noise
    >>> seen, sold = np.ones(6, bool), np.array([2.0, 2.0, 2.0, 5.0, 1.0, 2.0])
    >>> first, last = np.zeros(6, int), np.full(6, 5)
    >>> days = History(seen, seen & (sold != 5), sold, np.full(6, 2.0), np.zeros(6), first, last, Noise())
    >>> event = pl.DataFrame({"unique_id": ["a"], "first": [3], "last": [3]})
    >>> measure(event, days, 3, 1).select("sold", "baseline", "uplift", "dip").row(0)
    (5.0, 2.0, 3.0, -1.0)
    """
    first, last = (events[c].to_numpy().astype(np.int64) for c in ("first", "last"))
    level, doubt = _local_level(history, first, last, near)
    at_price_before = level * np.exp(history.price[np.maximum(first - 1, 0)])
    plain = history.expected * np.exp(-history.price)
    sold, due = within(history.sold, first, last), at_price_before * within(plain, first, last)
    # a day on which more is sold is noisier, too
    noise = _noise(history, plain, at_price_before * np.maximum(sold / np.maximum(due, SMALL), 1.0), first, last)
    following = np.minimum(_before_next(events, first, history), last + after)
    due_after = level * within(history.expected, last + 1, following)
    noise_after = _noise(history, history.expected, level, last + 1, following)
    made = {
        "periods": within(history.seen.astype(np.float64), first, last),
        "sold": sold,
        "baseline": due,
        "uplift": sold - due,
        "uplift_se": np.sqrt(noise + (due * doubt) ** 2),
        "dip": within(history.sold, last + 1, following) - due_after,
        "dip_se": np.sqrt(noise_after + (due_after * doubt) ** 2),
    }
    measured = events.with_columns(pl.Series(name, values) for name, values in made.items())
    return measured.filter(pl.col("periods") > 0).with_columns(pl.col("periods").cast(pl.Int32))


def _local_level(history: History, first: Ints, last: Ints, near: int) -> tuple[Floats, Floats]:
    """By event, how its series sold on the quiet days nearby beside what was expected, as a factor, and the standard
    error of the logarithm of what is expected at that level.

    Events tell together how far series wander off what is expected: where it is no more than chance, not at all.
    """
    begin, end = history.begin[first], history.end[first]
    weight = np.where(history.quiet, history.noise.weights(history.expected), 0.0)
    sold, due = (
        within(weight * values, np.maximum(first - near, begin), first - 1)
        + within(weight * values, last + 1, np.minimum(last + near, end))
        for values in (history.sold, history.expected)
    )
    found, error = np.log(sold + 0.5) - np.log(due + 0.5), history.noise.level / np.maximum(due, SMALL)
    between = between_variance(found, error)
    kept = between / (between + error) if between else np.zeros(len(found))
    fit = history.noise.level / np.maximum(within(weight * history.expected, begin, end), SMALL)
    return np.exp(found * kept), np.sqrt(kept * error + fit)


def _noise(history: History, expected: Floats, factor: Floats, first: Ints, last: Ints) -> Floats:
    """The variance of the sum of the days of each window, of which `factor` times as much is expected."""
    noise = history.noise
    squares = factor**2 * within(expected**2, first, last)
    return np.asarray(noise.level * (factor * within(expected, first, last) + noise.spread * squares))


def _before_next(events: pl.DataFrame, first: Ints, history: History) -> Ints:
    """The last row before the next event of the same series, or of the series."""
    following = events.select(pl.col("first").shift(-1).over("unique_id").cast(pl.Int64)).to_series()
    return (following - 1).fill_null(pl.Series(history.end[first])).to_numpy()
