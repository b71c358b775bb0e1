"""Sums over several periods: `forecast_sums` returns their mean and quantiles, for single series and for aggregates.

It takes the forecasts of one model (unique_id, grain, step, yhat, scale, closed ...), its rows of `backtests` of
finished windows and a SumsRequest (over how many periods, which intervals), and returns [unique_id, grain, periods,
yhat, q50, lo-L, hi-L ...], in units of y, for the first n periods for every n.

Series are drawn in parts (see sample_paths), so that the paths of all are never held at once: only their sums are, and
these for aggregates only. The sum of an aggregate is the sum of its series' paths, which hold what a window did to all
series, but not what it did to one department; therefore it is at least as wide as paths that are drawn for the
aggregate itself from the errors of its grain. These alone rest on too little: of a total they have one per window.

On real sales with one past window, 80 % intervals of sums over a quarter, half and all of the horizon covered, by the
sum of series' paths, by the aggregates' paths, and by both: departments by day 59, 71, 65 % and 80, 76, 73 % and 76,
80, 76 %; their stores 77, 80, 79 % and 74, 74, 66 % and 77, 80, 79 %; groceries' stores by week 85, 80, 75 % and 73,
76, 77 % and 82, 81, 81 %; their categories 65, 50, 55 % and 75, 80, 80 % and 75, 80, 80 %; departments of a sample of
items 73, 63, 71 % and 76, 78, 76 % and 78, 73, 82 %. Totals rest on few windows: 60 to 86 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasting.evaluation.hierarchy import summing_matrix
from forecasting.evaluation.intervals.residuals import is_cold_start, least_sales
from forecasting.evaluation.metrics import bound_probabilities
from forecasting.evaluation.sample_paths import TINY, Floats, draw_paths, fit_error_pool, sum_quantiles

IS_SERIES = pl.col("grain") == "series"
PART = 250
"""This many series are drawn at a time: draws x series x steps are never held for more."""


@dataclass(frozen=True)
class SumsRequest:
    """Sums over the first n periods for every n in `periods`, with intervals of `level`; no sale is below `y_min`
    (without one: below `yhat_min` of the forecasts).

    `members` [unique_id, group] names the aggregates of each series.
    """

    periods: Sequence[int]
    level: Sequence[int]
    y_min: float | None
    members: pl.DataFrame

    @property
    def probabilities(self) -> dict[str, float]:
        """The quantile columns of the sums, and the share of the sums that lies below each.

        >>> SumsRequest((7,), (50,), None, pl.DataFrame()).probabilities
        {'q50': 0.5, 'lo-50': 0.25, 'hi-50': 0.75}
        """
        return {"q50": 0.5} | bound_probabilities(self.level)


def forecast_sums(rows: pl.DataFrame, residuals: pl.DataFrame, request: SumsRequest) -> pl.DataFrame:
    """[unique_id, grain, periods, yhat, q50, lo-L, hi-L ...]: one row per series or aggregate and number of periods.

    `rows` are the forecasts of one model (unique_id, grain, step, yhat, scale, closed; for cold starts also cold_start,
    q50 and bounds), `residuals` its backtest rows of finished windows; all in units of y. Raises ValueError when the
    residuals hold no window of single series.
    """
    series, aggregates = (_complete_steps(part) for part in (rows.filter(IS_SERIES), rows.filter(~IS_SERIES)))
    steps = series["step"].n_unique()
    pool = fit_error_pool(residuals.filter(IS_SERIES), steps, request.y_min)
    groups = aggregates["unique_id"].unique().sort()
    totals = {n: np.zeros((len(pool.drawn), len(groups))) for n in request.periods}
    bounds = []
    for seed, part in enumerate(series.iter_slices(PART * steps)):
        drawn = draw_paths(part, pool, seed)
        to_groups = summing_matrix(pl.Series(drawn.ids), groups, request.members).T
        for n in request.periods:
            sums = drawn.sums(n)
            totals[n] += sums @ to_groups
            bounds.append(_with_keys(drawn.ids, n, sum_quantiles(sums, request.probabilities)))
    for (grain,), part in aggregates.group_by("grain", maintain_order=True):
        spread = _spread_of_aggregates(part, residuals.filter(pl.col("grain") == grain), request)
        of_grain = groups.is_in(part["unique_id"].unique().implode()).to_numpy()
        floors = part.group_by("unique_id").agg(least=least_sales(part.columns, request.y_min).max())
        least = floors.sort("unique_id")["least"]
        for n in request.periods:
            found = sum_quantiles(_widen(totals[n][:, of_grain], spread.get(n)), request.probabilities)
            bounds.append(_with_keys(groups.filter(of_grain), n, _apply_floor(found, least)))
    means = pl.concat([_sum_means(part, request.periods) for part in (series, aggregates)])
    sums_of_all = means.join(pl.concat(bounds), on=["unique_id", "periods"]).sort("grain", "unique_id", "periods")
    new = _sum_cold_starts(rows.filter(IS_SERIES, is_cold_start(rows.columns)), request)
    return sums_of_all.update(new, on=["unique_id", "grain", "periods"])


def _complete_steps(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by series and step; steps that a series lacks, since it starts later, sell nothing."""
    steps = rows.select(pl.col("step").unique())
    every = rows.select("unique_id", "grain").unique().join(steps, how="cross")
    kept = rows.select("unique_id", "step", "yhat", "scale", "closed", "^yhat_min$")
    filled = every.join(kept, on=["unique_id", "step"], how="left").with_columns(pl.col("yhat", "scale").fill_null(0.0))
    return filled.sort("unique_id", "step")


def _with_keys(ids: Iterable[str], periods: int, quantiles: pl.DataFrame) -> pl.DataFrame:
    return quantiles.select(pl.Series("unique_id", ids), pl.lit(periods).alias("periods"), pl.all())


def _sum_means(rows: pl.DataFrame, periods: Sequence[int]) -> pl.DataFrame:
    """[unique_id, grain, periods, yhat]: means add up."""
    first = [rows.filter(pl.col("step") <= n).with_columns(periods=pl.lit(n)) for n in periods]
    return pl.concat(first).group_by("unique_id", "grain", "periods").agg(pl.col("yhat").sum())


def _sum_cold_starts(rows: pl.DataFrame, request: SumsRequest) -> pl.DataFrame:
    """[unique_id, grain, periods, q50, lo-L, hi-L ...] of new series, null where the bounds of periods do not add up.

    What is in doubt is how large such a series is, and that is the same in all periods, so its bounds do add up; but
    not those of a series that sells nothing in most periods: there it is chance in which ones it does.
    """
    columns = [c for c in request.probabilities if c in rows.columns]
    sells = (pl.col("q50") > 0) | (pl.col("yhat") <= 0) if columns else pl.lit(value=False)
    added = [pl.when(sells.all(), pl.col(c).is_not_null().all()).then(pl.col(c).sum()).alias(c) for c in columns]
    first = [rows.filter(pl.col("step") <= n).with_columns(periods=pl.lit(n)) for n in request.periods]
    return pl.concat(first).group_by("unique_id", "grain", "periods").agg(added)


def _spread_of_aggregates(rows: pl.DataFrame, residuals: pl.DataFrame, request: SumsRequest) -> dict[int, Floats]:
    """Standard deviations (aggregates,) of sums of paths drawn for the aggregates of a grain themselves, by periods.

    Empty where the grain has no backtests, because its level was added to the config later.
    """
    steps = rows["step"].n_unique()
    try:
        pool = fit_error_pool(residuals, steps, request.y_min)
    except ValueError:
        return {}
    parts: dict[int, list[Floats]] = {n: [] for n in request.periods}
    for seed, part in enumerate(rows.iter_slices(PART * steps)):
        drawn = draw_paths(part, pool, seed)
        for n, found in parts.items():
            found.append(drawn.sums(n).std(axis=0))
    return {n: np.concatenate(found) for n, found in parts.items()}


def _widen(totals: Floats, spread: Floats | None) -> Floats:
    """The sums (draws, aggregates) around their mean, with `spread` as standard deviation where theirs is smaller."""
    if spread is None:
        return totals
    mean = totals.mean(axis=0)
    return np.asarray(mean + (totals - mean) * np.maximum(1.0, spread / np.maximum(totals.std(axis=0), TINY)))


def _apply_floor(quantiles: pl.DataFrame, least: pl.Series) -> pl.DataFrame:
    """Where sales are never negative (`least`, by row), no sum is."""
    never, value = pl.lit((least >= 0).fill_null(value=False)), pl.all()
    return quantiles.select(pl.when(never & (value < 0)).then(0.0).otherwise(value).name.keep())
