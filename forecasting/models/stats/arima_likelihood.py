"""Exact maximum likelihood of an ARIMA with regressors, of a given order: `refine` improves the fit of StatsForecast.

It takes the params {arma, coef, sigma2} of a fit, y (n,) and x (n, k) or None, and returns them with coef and
sigma2 of the highest exact likelihood uphill from the given ones; the order stays.

StatsForecast 2.1.1 maximises the likelihood of a differenced model over a filter that keeps its covariances from one
evaluation to the next (arima.py, `upARIMA` leaves the diffuse part of `Pn`), so its search stops where it began: at the
conditional least squares estimate. Here every evaluation starts from a fresh filter, and the coefficients of the
regressors come out by generalised least squares on the filter's innovations (Harvey, Forecasting, Structural Time
Series Models and the Kalman Filter, 1989, section 3.4.2), so that only the ARMA part is searched. It filters the
differences: without gaps they have the likelihood of the values, and need a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
TINY = 1e-12


class Likelihood:
    """Minus the concentrated log likelihood per observation of `y` on `x`; `arma` as in StatsForecast's fits."""

    def __init__(self, y: Array, x: Array, arma: Sequence[int]) -> None:
        self.order = tuple(arma)
        self.arma = np.array(arma, dtype=np.int32)
        lags = _differencing(arma[5], arma[6], arma[4])
        self.y, self.x = _differences(y, lags), _differences(x, lags)

    def __call__(self, free: Array) -> float:
        """At ARMA parameters in their unbounded form, in which every AR part is stationary."""
        from statsforecast.arima import arima_undopars

        try:
            squares, logs, _ = self.parts(arima_undopars(free, self.arma))
        except (ValueError, RuntimeError, np.linalg.LinAlgError):
            return float("inf")
        n = len(self.y)
        return 0.5 * (float(np.log(max(squares / n, TINY))) + logs / n)

    def parts(self, coefficients: Array) -> tuple[float, float, Array]:
        """Sum of squared innovations, sum of the logs of their relative variances, coefficients of the regressors."""
        from statsforecast.arima import arima_transpar, make_arima

        phi, theta = arima_transpar(np.ascontiguousarray(coefficients), self.arma, False)
        model = make_arima(phi, theta, np.zeros(0))
        target, logs = self._innovations(model, self.y)
        if not self.x.shape[1]:
            return float(target @ target), logs, np.zeros(0)
        regressors = np.column_stack([self._innovations(model, column)[0] for column in self.x.T])
        beta: Array = np.linalg.lstsq(regressors, target, rcond=None)[0].astype(np.float64)
        rest = target - regressors @ beta
        return float(rest @ rest), logs, beta

    def _innovations(self, model: dict[str, Array], series: Array) -> tuple[Array, float]:
        """Standardised innovations; the filter writes into its state, so it gets a copy."""
        from statsforecast.arima import arima_like

        state = [model[part].copy() for part in ("a", "P", "Pn")]
        series = np.ascontiguousarray(series)
        _, logs, _, rest = arima_like(series, model["phi"], model["theta"], model["delta"], *state, 0, True)
        return np.asarray(rest), float(logs)


def refine(params: dict[str, Any], y: Array, x: Array | None) -> dict[str, Any]:
    """`params` (arma, coef, sigma2) at the highest exact likelihood uphill from the given coefficients.

    y (n,) and x (n, k) as in the fit, without gaps. Unchanged for a series that never moves, and where no likelihood
    is finite.
    """
    names, wide, scale = list(params["coef"]), sum(params["arma"][:4]), float(np.std(y))
    if not names or scale == 0:
        return params
    given = np.array([params["coef"][name] for name in names[:wide]])
    likelihood = Likelihood(y / scale, _design(names[wide:], len(y), x), params["arma"])
    best = _search(likelihood, given) if wide else given
    if best is None:
        return params
    squares, _, beta = likelihood.parts(best)
    free = max(len(likelihood.y) - len(names), 1)
    kept = dict(zip(names, (float(c) for c in (*best, *(beta * scale))), strict=True))
    return params | {"coef": kept, "sigma2": squares / free * scale**2}


def _search(likelihood: Likelihood, given: Array) -> Array | None:
    """The ARMA parameters of the highest likelihood, uphill from `given`, or from zeros where that is no model."""
    from scipy.optimize import minimize
    from statsforecast.arima import ARIMA_invtrans, arima_undopars

    start = ARIMA_invtrans(_invertible(given, likelihood.order), likelihood.arma)
    usable = np.isfinite(start).all() and np.isfinite(likelihood(start))
    found = minimize(likelihood, start if usable else np.zeros(len(given)), method="L-BFGS-B")
    if not np.isfinite(found.fun):
        return None
    return _invertible(arima_undopars(found.x, likelihood.arma), likelihood.order)


def _design(names: list[str], n: int, x: Array | None) -> Array:
    """The regressors in the order of their coefficients: the intercept or the drift first."""
    made = {"intercept": np.ones(n), "drift": np.arange(1.0, n + 1)}
    first = [made[name] for name in names if name in made]
    return np.column_stack([*first, *(x.T if x is not None else [])]) if names else np.zeros((n, 0))


def _differencing(d: int, seasonal: int, period: int) -> Array:
    """Weights of the past values in (1 - B)^d (1 - B^period)^seasonal, the sign turned."""
    season = np.zeros(period + 1)
    season[0], season[-1] = 1.0, -1.0
    polynomial = np.ones(1)
    for factor in [np.array([1.0, -1.0])] * d + [season] * seasonal:
        polynomial = np.convolve(polynomial, factor)
    return -polynomial[1:]


def _differences(values: Array, lags: Array) -> Array:
    """The values (n, ...) less those before them, by the weights of `_differencing`, without those that lack a past.

    >>> _differences(np.array([1.0, 4.0, 9.0, 16.0]), _differencing(1, 0, 7))
    array([3., 5., 7.])
    """
    n = len(values) - len(lags)
    past = (weight * values[len(lags) - lag :][:n] for lag, weight in enumerate(lags, 1) if weight)
    return np.asarray(values[len(lags) :] - sum(past))


def _invertible(coefficients: Array, arma: Sequence[int]) -> Array:
    """The same likelihood with both moving averages invertible: roots beyond the unit circle are turned inside."""
    p, q, seasonal_p, seasonal_q = arma[:4]
    turned = coefficients.copy()
    for start, order in ((p, q), (p + q + seasonal_p, seasonal_q)):
        roots = np.roots(np.r_[1.0, coefficients[start : start + order]])
        inside = np.where(np.abs(roots) > 1, 1 / np.conj(np.where(roots == 0, 1, roots)), roots)
        turned[start : start + order] = np.atleast_1d(np.poly(inside)).real[1:]
    return turned
