"""Intervals of a difference: `sum_differences` takes rows of a scenario and past errors and gives their sums.

The plan and the scenario are drawn together. One draw takes what may happen to all series (a sample path of their sales
as planned, see evaluation/sample_paths), and how sales may respond (an effect within its standard error), and what it
adds is the second less the first: what is uncertain with and without the edits counts as far as edits scale it, and an
edit that changes nothing adds exactly 0. The bounds of both forecasts, taken from each other, would say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.metrics import bound_probabilities
from forecasting.evaluation.sample_paths import ErrorPool, draw_paths, sum_quantiles
from forecasting.planning.new_paths import draw_new
from forecasting.planning.worth import POINTS, known_measures, unit_values

Floats = NDArray[np.float64]
CHANGED, HORIZON = "changed days", "horizon"
"""Over which days is added up: those on which a value of a series is edited, or all."""
TOTAL = "all series"
PART = 250
"""This many series are drawn at a time: draws x series x steps are never held for more."""
DRAWS = 500
"""Draws where no past errors are known, and the response alone is uncertain."""


@dataclass(frozen=True)
class Uncertainty:
    """What is uncertain of a difference: `pool`, past errors of the model (None: not known); `shared`, the share of the
    variance of the response that all series have in common (0 to 1); `level`, the percents of the intervals.
    """

    pool: ErrorPool | None
    shared: float
    level: Sequence[int]


@dataclass(frozen=True)
class Draws:
    """Sales of the series in `rows` (of complete steps), as planned and with the edits: (draws, series, steps)."""

    rows: pl.DataFrame
    before: Floats
    after: Floats

    def difference(self, measure: str, days: pl.Expr) -> Floats:
        """What the edits add on the days (draws, series), in units of the measure; days without a value count 0."""
        before, after = (self._weights(value, days) for value in unit_values(measure))
        return np.asarray(np.einsum("dsh,sh->ds", self.after, after) - np.einsum("dsh,sh->ds", self.before, before))

    def _weights(self, value: pl.Expr, days: pl.Expr) -> Floats:
        weight = pl.when(days.fill_null(value=False)).then(value).fill_null(0.0)
        column = self.rows.with_columns(_weight=weight.cast(pl.Float64))["_weight"]
        return column.to_numpy().reshape(self.before.shape[1:])


def sum_differences(rows: pl.DataFrame, uncertain: Uncertainty) -> pl.DataFrame:
    """[unique_id, over, measure, baseline, scenario, difference, lo-L, hi-L ...]: sums of each series and of all.

    `rows` [unique_id, ds, step, changed, baseline, yhat, response_error, columns of worth, scale, closed ...] hold
    every step of each series; where a column `new` is true, series are not there in the plan, and are drawn from their
    median and bounds (see new_paths). The bounds are those of the difference. Sums of revenue and margin are over the
    days on which a price and a cost are known.
    """
    measures, level = known_measures(rows), bound_probabilities(uncertain.level)
    cells = [(over, measure) for over in (CHANGED, HORIZON) for measure in measures]
    totals: dict[tuple[str, str], Floats] = {}
    bounds = []
    for drawn in draw_differences(rows, uncertain):
        ids = drawn.rows["unique_id"].unique(maintain_order=True)
        for cell in cells:
            over, measure = cell
            added = drawn.difference(measure, days_of(over))
            totals[cell] = totals.get(cell, 0.0) + added.sum(axis=1, keepdims=True)
            bounds.append(_labelled(sum_quantiles(added, level), ids, cell))
    every = [_labelled(sum_quantiles(found, level), pl.Series([TOTAL]), cell) for cell, found in totals.items()]
    points = pl.concat(_points(rows, cell) for cell in cells)
    keys = ["unique_id", "over", "measure"]
    if rows["unique_id"].n_unique() == 1:
        every = []
    return points.join(pl.concat([*every, *bounds]), on=keys, maintain_order="left")


def days_of(over: str) -> pl.Expr:
    """Whether a row is one of the days that are added up.

    >>> rows = pl.DataFrame({"changed": [True, False]})
    >>> rows.select(days_of(CHANGED)).to_series().to_list()
    [True, False]
    """
    return pl.col("changed") if over == CHANGED else pl.lit(value=True)


def draw_differences(rows: pl.DataFrame, uncertain: Uncertainty) -> Iterator[Draws]:
    """Draws of the plan and the scenario together, some series after the other."""
    ordered = rows.sort("unique_id", "step")
    steps = ordered["step"].n_unique()
    draws = len(uncertain.pool.drawn) if uncertain.pool else DRAWS
    common = np.random.default_rng(0).standard_normal((draws, 1))
    for seed, part in enumerate(ordered.iter_slices(PART * steps), 1):
        yield _draw(part, uncertain, common, seed)


def _draw(rows: pl.DataFrame, uncertain: Uncertainty, common: Floats, seed: int) -> Draws:
    shape = rows["unique_id"].n_unique(), rows["step"].n_unique()
    baseline, yhat, error = (
        rows[c].fill_null(0.0).to_numpy().reshape(shape) for c in ("baseline", "yhat", "response_error")
    )
    before = np.broadcast_to(baseline, (len(common), *shape))
    if uncertain.pool is not None:
        planned = rows.with_columns(yhat=pl.col("baseline").fill_null(0.0), scale=pl.col("scale").fill_null(0.0))
        before = draw_paths(planned, uncertain.pool, seed).values
    own = np.random.default_rng(seed).standard_normal((len(common), shape[0]))
    effect = np.sqrt(uncertain.shared) * common + np.sqrt(1 - uncertain.shared) * own
    # a day that sells nothing as planned (closed, say) has no path to scale
    scaled = np.where(baseline != 0, before * (yhat / np.where(baseline != 0, baseline, 1.0)), yhat)
    after = scaled * np.exp(effect[:, :, None] * error)
    if "new" in rows.columns and rows["new"].any():
        is_new = rows["new"].to_numpy().reshape(shape)[:, 0]
        after[:, is_new] = draw_new(rows.filter("new"), len(common), seed)
    return Draws(rows, before, after)


def _points(rows: pl.DataFrame, cell: tuple[str, str]) -> pl.DataFrame:
    """[unique_id, over, measure, baseline, scenario, difference] of a cell: all series, then each."""
    over, measure = cell
    before, after, difference = (pl.col(c) for c in POINTS[measure])
    both = rows.filter(days_of(over), before.is_not_null(), after.is_not_null())
    sums = {"baseline": before.sum(), "scenario": after.sum(), "difference": difference.sum()}
    ids = rows.select(pl.col("unique_id").unique(maintain_order=True))
    of = ids.join(both.group_by("unique_id").agg(**sums), on="unique_id", how="left", maintain_order="left")
    of = of.with_columns(pl.col(*sums).fill_null(0.0))
    total = of.select(pl.lit(TOTAL).alias("unique_id"), pl.col(*sums).sum())
    found = pl.concat([total, of]) if of.height > 1 else of
    return found.select("unique_id", pl.lit(over).alias("over"), pl.lit(measure).alias("measure"), *sums)


def _labelled(quantiles: pl.DataFrame, ids: pl.Series, cell: tuple[str, str]) -> pl.DataFrame:
    over, measure = (pl.lit(text) for text in cell)
    return quantiles.select(ids.alias("unique_id"), over.alias("over"), measure.alias("measure"), pl.all())
