"""Fitting weights: `fit_weights` takes rows of `backtests` and segments, and returns the columns of models/weights.

What a segment and what a group of steps adds to the weights of all series and steps is added up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from forecasting.evaluation.ensemble_weights.all_series import (
    TOTALS,
    AllSteps,
    fit_all_steps,
    mean_by_steps,
    middle_by_steps,
)
from forecasting.evaluation.ensemble_weights.errors import CELL, Errors, Floats, independent_cells, read_errors
from forecasting.evaluation.ensemble_weights.forms import best_form, medians_earn
from forecasting.evaluation.ensemble_weights.solve import moments
from forecasting.models.weights import ALL, MEAN, WEIGHTS

BORROWED = 60.0
"""This many cells (series and cutoffs) of all series count in a segment in addition to its cells."""


def fit_weights(backtests: pl.DataFrame | pl.LazyFrame, segments: pl.DataFrame, members: Sequence[str]) -> pl.DataFrame:
    """The columns of models/weights: one row per segment, and for "all", group of steps and member.

    `weight` is for the mean, `middle` for the median, `form` how the members of the mean are combined, and `median_of`
    whether the median is one of their medians (q50) or of their means (yhat). `backtests` are rows (see `read_errors`)
    of windows that were finished at the time; `segments` is [unique_id, segment]. Without rows that all members share:
    equal weights for "all".

    >>> empty = pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "cutoff": pl.Date, "model": pl.String,
    ...     "step": pl.Int32, "y": pl.Float64, "yhat": pl.Float64, "rmsse_scale": pl.Float64})
    >>> fit_weights(empty, empty.select("unique_id", segment="model"), ["A", "B"]).rows()
    [('all', 1, 'A', 0.5, 0.5, 'mean', 'yhat'), ('all', 1, 'B', 0.5, 0.5, 'mean', 'yhat')]
    """
    errors = read_errors(backtests, members)
    if errors is None:
        equal = np.full(len(members), 1 / len(members))
        return _to_frame(ALL, 1, members, equal, equal).with_columns(form=pl.lit(MEAN), median_of=pl.lit("yhat"))
    median_of = "q50" if medians_earn(errors) else "yhat"
    errors = errors if median_of == "q50" else errors.with_means_for_medians
    every = fit_all_steps(errors)
    groups, middles = mean_by_steps(every), middle_by_steps(every)
    form = best_form(errors, lambda some: mean_by_steps(fit_all_steps(some)), TOTALS)
    homes = errors.frame.join(
        segments.select("unique_id", "segment"), on="unique_id", how="left", maintain_order="left"
    )
    named = homes.drop_nulls("segment").group_by("segment", maintain_order=True)
    added = {ALL: (np.zeros(len(members)), np.zeros(len(members)))}
    added |= {str(segment): _added(every, Errors(rows, errors.members)) for (segment,), rows in named}
    parts = []
    for segment, (to_mean, to_middle) in added.items():
        for group, middle in zip(groups, middles, strict=True):
            weight = _raised(group.weight, to_mean) if form == MEAN else group.kept / group.kept.sum()
            parts.append(_to_frame(segment, group.first, members, weight, _raised(middle, to_middle)))
    return pl.concat(parts).with_columns(form=pl.lit(form), median_of=pl.lit(median_of))


def _added(every: AllSteps, rows: Errors) -> tuple[Floats, Floats]:
    """What the weights of a segment are above those of all series, of the mean and of the median (k,)."""
    cells = independent_cells(rows.frame.select(CELL).n_unique(), rows.frame["cutoff"].n_unique())
    weight = every.mean_weights(moments(rows.of_means), every.kept, cells, BORROWED)
    return weight - every.weight, every.middle_weights(rows.of_medians, every.near, cells, BORROWED) - every.middle


def _raised(weights: Floats, added: Floats) -> Floats:
    """The weights (k,) and what is added to them, never negative and with sum 1."""
    positive = np.maximum(weights + added, 0.0)
    return np.asarray(positive / positive.sum())


def _to_frame(segment: str, first: int, members: Sequence[str], mean: Floats, median: Floats) -> pl.DataFrame:
    shares = zip(members, mean, median, strict=True)
    rows = [(segment, first, model, float(weight), float(middle)) for model, weight, middle in shares]
    return pl.DataFrame(rows, schema=dict(list(WEIGHTS.items())[:5]), orient="row")
