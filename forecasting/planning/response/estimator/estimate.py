"""The estimate: `estimate` takes Observed sales and levers and the groups of series, and returns an Estimate.

Effects of levers and controls are fitted in turn (fit.py); then it is seen which further levers the data support
(spillover.py), and judged whether levers follow demand (timing.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecasting.planning.response.estimator.arrays import Floats, Ints, Observed
from forecasting.planning.response.estimator.calendar import Calendar
from forecasting.planning.response.estimator.fit import Fit
from forecasting.planning.response.estimator.pooling import Pooled, over_variances
from forecasting.planning.response.estimator.spillover import Candidates, take_up
from forecasting.planning.response.estimator.timing import Timing
from forecasting.planning.response.estimator.units import Groups, find_units

ROUNDS = 9
"""Rounds of the fit."""


@dataclass(frozen=True)
class Estimate:
    """Effects of levers (series x levers), their `covariance`, and the estimate of each unit by itself (`alone`, with
    its standard `alone_error`). `units` are the effects of the units, `groups` by which they were pooled, `unit` of
    each series. `timing` says how far the levers of units were moved as demand went before. `kept` are the numbers of
    the levers that have effects.
    """

    effect: Floats
    covariance: Floats
    alone: Floats
    alone_error: Floats
    units: Pooled
    groups: Groups
    unit: Ints
    timing: Timing
    kept: tuple[int, ...]


def estimate(seen: Observed, codes: Mapping[str, Ints], calendar: Calendar, candidates: Candidates = ()) -> Estimate:
    """The effects of the levers on the log of sales, by series; `codes` are the groups of each series by column.

    `candidates` are numbers of the last levers: those that the data do not support have no effect, and are not kept.

    >>> import polars as pl
    >>> from forecasting.frequency import FREQS
    >>> rows = pl.DataFrame({"unique_id": "A", "ds": range(60), "promo": [week % 5 == 0 for week in range(60)]})
    >>> rows = rows.with_columns(y=pl.when("promo").then(200.0).otherwise(100.0))
    >>> seen = Observed.of(rows, {"promo": pl.col("promo")})
    >>> found = estimate(seen, {}, Calendar.of(FREQS["1w"], 60))
    >>> np.exp(found.effect).round(1).tolist()
    [[2.0]]
    """
    own = tuple(range(seen.levers.shape[-1] - sum(map(len, candidates))))
    mine = seen.only(own)
    unit = find_units(mine, codes, calendar.span)
    fit = Fit(mine, unit, calendar, codes)
    for turn in range(ROUNDS):
        fit.round(turn)
    fit, more = take_up(fit, seen, candidates)
    state, mode = fit.state, fit.units
    assert mode is not None
    units = over_variances(state.information, state.score, fit.unit_groups, mode)
    inverse = np.linalg.inv(state.information + 1e-8 * np.eye(state.score.shape[1]))
    alone = np.einsum("nij,nj->ni", inverse, state.score)
    error = np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
    covariance = units.covariance[unit] + (fit.between.covariance if fit.between else 0.0)
    effect, timing = units.effect[unit] + state.differences, fit.judge_timing()
    covariance = covariance + timing.doubt
    return Estimate(effect, covariance, alone[unit], error[unit], units, fit.unit_groups, unit, timing, (*own, *more))
