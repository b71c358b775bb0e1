"""Demand that wanders: the innovations of a first-order autoregression seen through noise, for many series at once.

`cross_products` takes arrays of periods x series x columns and the weights of the observations, and returns the cross
products of what each period brings that the periods before did not foretell, in units of its standard deviation;
`foretell` returns what they did. Regressions on these innovations are generalised least squares. A price that was set
after weak weeks is compared with what those weeks foretold, which is why it does not look as though it caused them (the
likelihood of each period given those before it is valid when levers follow past sales: Harvey, "Forecasting, Structural
Time Series Models and the Kalman Filter", 1989, chapter 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.planning.response.estimator.arrays import Floats

SERIES_AT_ONCE = 256


@dataclass(frozen=True)
class Wander:
    """How the log of demand wanders beyond what is explained.

    `memory` is the share of a deviation that is left a period later, `size` its standard deviation, by series, and
    `noise` the variance of sales beyond Poisson (mean + noise * mean^2), by series.
    """

    memory: float
    size: Floats
    noise: Floats

    def weights(self, mean: Floats) -> Floats:
        """The inverse variances of relative deviations from the `mean`; 0 where nothing is expected."""
        return np.asarray(mean / (1 + self.noise * mean))


def foretell(columns: Floats, weight: Floats, wander: Wander) -> Floats:
    """What the periods before foretell of each column in each period.

    >>> columns = np.array([[[2.0]], [[1.0]]])
    >>> foretell(columns, np.full((2, 1), 1.0), Wander(0.5, np.array([1.0]), np.zeros(1))).ravel().tolist()
    [0.0, 0.5]
    """
    gain, mean, foretold = _spreads(weight, wander)[-1], np.zeros(columns.shape[1:]), np.empty_like(columns)
    for t, now in enumerate(columns):
        foretold[t] = mean
        _learn(mean, now - mean, gain[t, :, None], wander)
    return foretold


def unforeseen(weight: Floats, wander: Wander) -> Floats:
    """The variance of the demand of each period, given the sales before it.

    >>> unforeseen(np.ones((2, 1)), Wander(0.5, np.array([1.0]), np.zeros(1))).ravel().tolist()
    [1.0, 0.875]
    """
    seen, total, _ = _spreads(weight, wander)
    return total - 1 / np.where(seen > 0, weight, 1.0)


def _innovations(columns: Floats, share: Floats, gain: Floats, wander: Wander) -> Floats:
    """What each period brings that was not foretold, times `share`, and 0 where nothing was observed.

    Arrays of periods x columns x series: numpy works along the last axis, which is the longest.
    """
    out, mean = np.empty_like(columns), np.zeros(columns.shape[1:])
    apart = np.empty_like(mean)
    for t, now in enumerate(columns):
        np.subtract(now, mean, out=apart)
        np.multiply(apart, share[t], out=out[t])
        _learn(mean, apart, gain[t], wander)
    return out


def _learn(mean: Floats, apart: Floats, gain: Floats, wander: Wander) -> None:
    """Move what is foretold of each column and series to the next period, having seen how far `apart` this one was,
    which is used up.
    """
    apart *= gain
    mean += apart
    mean *= wander.memory


def _spreads(weight: Floats, wander: Wander) -> tuple[Floats, Floats, Floats]:
    """By period and series: 1 where observed, the variance of what is not foretold, and the share of it that is taken
    to last.
    """
    seen = (weight > 0).astype(float)
    noise = 1 / np.where(seen > 0, weight, 1.0)
    total, gain = np.empty_like(noise), np.empty_like(noise)
    kept, spread = wander.memory**2, wander.size**2
    step, left = spread * (1 - kept), np.empty_like(spread)
    for t in range(len(noise)):
        np.add(spread, noise[t], out=total[t])
        np.divide(spread, total[t], out=gain[t])
        gain[t] *= seen[t]
        # spread = kept * (1 - gain[t]) * spread + step, without new arrays
        np.subtract(1, gain[t], out=left)
        left *= kept
        left *= spread
        np.add(left, step, out=spread)
    return seen, total, gain


def cross_products(columns: Floats, weight: Floats, wander: Wander) -> Floats:
    """The cross products of the innovations by series: series x columns x columns.

    >>> columns = np.array([[[2.0]], [[1.0]]])
    >>> cross_products(columns, np.full((2, 1), 1.0), Wander(0.5, np.array([1.0]), np.zeros(1))).round(3).tolist()
    [[[2.133]]]
    """
    return products_and_determinant(columns, weight, wander)[0]


def products_and_determinant(columns: Floats, weight: Floats, wander: Wander) -> tuple[Floats, Floats]:
    """The cross products of the innovations by series (series x columns x columns), and the log determinant.

    Few series at a time, whose innovations stay in the processor's cache.
    """
    seen, total, gain = _spreads(weight, wander)
    share, products = seen / np.sqrt(total), []
    for first in range(0, columns.shape[1], SERIES_AT_ONCE):
        part = slice(first, first + SERIES_AT_ONCE)
        turned = np.ascontiguousarray(columns[:, part].transpose(0, 2, 1))
        new = _innovations(turned, share[:, part], gain[:, part], wander)
        by_series = np.ascontiguousarray(new.transpose(2, 0, 1))
        products.append(by_series.transpose(0, 2, 1) @ by_series)
    return np.concatenate(products), (seen * np.log(total)).sum(0)
