"""How much is sold over several periods together: mean and quantiles of sums, of single series and of aggregates.

Series are drawn in parts (see paths), so that only the sums of their paths are ever there for all at once, and these
for aggregates only. The sum of an aggregate is the sum of its series' paths, which know what a window did to all
series, but not what it did to one department; therefore it is at least as wide as paths that are drawn for the
aggregate itself from the errors of its grain. These alone know too little: of a total they have one for each window.

On real sales, one window known, 80 % intervals of sums over a quarter, half and whole of the horizon held, by the sum
of series' paths, by the aggregates' own, and by both: departments by day 59, 71, 65 % and 80, 76, 73 % and 76, 80,
76 %; their stores 77, 80, 79 % and 74, 74, 66 % and 77, 80, 79 %; groceries' stores by week 85, 80, 75 % and 73, 76,
77 % and 82, 81, 81 %; their categories 65, 50, 55 % and 75, 80, 80 % and 75, 80, 80 %; departments of a sample of items
73, 63, 71 % and 76, 78, 76 % and 78, 73, 82 %. Totals are told by few windows: 60 to 86 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasting.evaluation.hierarchy import summing_matrix
from forecasting.evaluation.intervals.residuals import is_cold_start
from forecasting.evaluation.metrics import bound_probabilities
from forecasting.evaluation.sample_paths import TINY, Floats, draw_paths, fit_error_pool, sum_quantiles

SINGLE = pl.col("grain") == "series"
PART = 250
"""So many series are drawn at a time: draws x series x steps are never there for more."""


@dataclass(frozen=True)
class SumsRequest:
    """Sums over the first periods, so many as each of `over` says, with intervals of `level`; no sale is below `y_min`.

    `homes` [unique_id, group] names the aggregates of each series.
    """

    over: Sequence[int]
    level: Sequence[int]
    y_min: float | None
    homes: pl.DataFrame

    @property
    def probabilities(self) -> dict[str, float]:
        """The columns of the answer and what share of the sums lies below each."""
        return {"q50": 0.5} | bound_probabilities(self.level)


def forecast_sums(rows: pl.DataFrame, residuals: pl.DataFrame, asked: SumsRequest) -> pl.DataFrame:
    """[unique_id, grain, periods, yhat, q50, lo-L, hi-L ...] of every series and aggregate, in units of y.

    `rows` are the forecasts of one model (unique_id, grain, step, yhat, scale, closed; for cold starts also cold_start,
    q50 and bounds), `residuals` its backtest rows that were over. Raises ValueError when they hold no window of single
    series.
    """
    below, above = (_whole(part) for part in (rows.filter(SINGLE), rows.filter(~SINGLE)))
    steps = below["step"].n_unique()
    known = fit_error_pool(residuals.filter(SINGLE), steps, asked.y_min)
    groups = above["unique_id"].unique().sort()
    totals = {n: np.zeros((len(known.drawn), len(groups))) for n in asked.over}
    bounds = []
    for seed, part in enumerate(below.iter_slices(PART * steps)):
        drawn = draw_paths(part, known, seed)
        members = summing_matrix(pl.Series(drawn.ids), groups, asked.homes).T
        for n in asked.over:
            own = drawn.sums(n)
            totals[n] += own @ members
            bounds.append(_named(drawn.ids, n, sum_quantiles(own, asked.probabilities)))
    for (grain,), part in above.group_by("grain", maintain_order=True):
        wide = _spread(part, residuals.filter(pl.col("grain") == grain), asked)
        at = groups.is_in(part["unique_id"].unique().implode()).to_numpy()
        for n in asked.over:
            found = sum_quantiles(_stretched(totals[n][:, at], wide.get(n)), asked.probabilities)
            bounds.append(_named(groups.filter(at), n, _floored(found, asked.y_min)))
    means = pl.concat([_means(part, asked.over) for part in (below, above)])
    told = means.join(pl.concat(bounds), on=["unique_id", "periods"]).sort("grain", "unique_id", "periods")
    new = _added(rows.filter(SINGLE, is_cold_start(rows.columns)), asked)
    return told.update(new, on=["unique_id", "grain", "periods"])


def _whole(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by series and step, with nothing sold on the steps that a series lacks, since it starts later."""
    steps = rows.select(pl.col("step").unique())
    every = rows.select("unique_id", "grain").unique().join(steps, how="cross")
    kept = rows.select("unique_id", "step", "yhat", "scale", "closed")
    filled = every.join(kept, on=["unique_id", "step"], how="left").with_columns(pl.col("yhat", "scale").fill_null(0.0))
    return filled.sort("unique_id", "step")


def _named(ids: Iterable[str], periods: int, found: pl.DataFrame) -> pl.DataFrame:
    return found.select(pl.Series("unique_id", ids), pl.lit(periods).alias("periods"), pl.all())


def _means(rows: pl.DataFrame, over: Sequence[int]) -> pl.DataFrame:
    """[unique_id, grain, periods, yhat]: means do add up."""
    first = [rows.filter(pl.col("step") <= n).with_columns(periods=pl.lit(n)) for n in over]
    return pl.concat(first).group_by("unique_id", "grain", "periods").agg(pl.col("yhat").sum())


def _added(rows: pl.DataFrame, asked: SumsRequest) -> pl.DataFrame:
    """Median and bounds of the sums of new series, null where bounds of periods do not tell them.

    What is in doubt is how large such a series is, and that is the same in all periods, so bounds do add up; but not
    those of a series that sells nothing in most periods: there it is chance on which it does.
    """
    sides = [c for c in asked.probabilities if c in rows.columns]
    often = (pl.col("q50") > 0) | (pl.col("yhat") <= 0) if sides else pl.lit(value=False)
    whole = [pl.when(often.all(), pl.col(c).is_not_null().all()).then(pl.col(c).sum()).alias(c) for c in sides]
    first = [rows.filter(pl.col("step") <= n).with_columns(periods=pl.lit(n)) for n in asked.over]
    return pl.concat(first).group_by("unique_id", "grain", "periods").agg(whole)


def _spread(rows: pl.DataFrame, residuals: pl.DataFrame, asked: SumsRequest) -> dict[int, Floats]:
    """Deviations of sums of paths that are drawn for the aggregates of a grain themselves, by periods and in their
    order; none where the grain has no backtests: its level was asked for later.
    """
    steps = rows["step"].n_unique()
    try:
        known = fit_error_pool(residuals, steps, asked.y_min)
    except ValueError:
        return {}
    parts: dict[int, list[Floats]] = {n: [] for n in asked.over}
    for seed, part in enumerate(rows.iter_slices(PART * steps)):
        drawn = draw_paths(part, known, seed)
        for n, found in parts.items():
            found.append(drawn.sums(n).std(axis=0))
    return {n: np.concatenate(found) for n, found in parts.items()}


def _stretched(totals: Floats, least: Floats | None) -> Floats:
    """The sums around their mean, made as wide as `least` where they are narrower."""
    if least is None:
        return totals
    mean = totals.mean(axis=0)
    return np.asarray(mean + (totals - mean) * np.maximum(1.0, least / np.maximum(totals.std(axis=0), TINY)))


def _floored(found: pl.DataFrame, y_min: float | None) -> pl.DataFrame:
    """Where sales are never negative, no sum is."""
    return found if y_min is None or y_min < 0 else found.select(pl.all().clip(0.0))
