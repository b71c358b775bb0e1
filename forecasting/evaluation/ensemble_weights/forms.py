"""The form of a combination: the weighted mean, or the trimmed mean or the median of the members that are kept.

`best_form` takes Errors and a function that learns StepWeights from some of their windows, and returns the form that
did best in the windows that it was not learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasting.evaluation.ensemble_weights.errors import Errors, Floats
from forecasting.evaluation.ensemble_weights.solve import Flags
from forecasting.models.weights import MEAN, MEDIAN, TRIM_FROM, TRIMMED

EARNED = 0.005
"""Another form than the weighted mean must have done better by this share: with few windows it is chosen by luck."""


@dataclass(frozen=True)
class StepWeights:
    """The weights (k,) of all series in the mean of the steps from `first` to `last`, and who takes part in it (k,)."""

    first: int
    last: int
    weight: Floats
    kept: Flags


Learn = Callable[[Errors], Sequence[StepWeights]]


def best_form(errors: Errors, learn: Learn, totals: float) -> str:
    """The form with the smallest errors of means in each window, learned from the others (leave one window out).

    The loss is the size of the errors of series, and that of totals by the share `totals`, as multiples of those of the
    weighted mean, which serves where only one window is known.
    """
    windows = errors.frame["cutoff"].unique().sort().to_list()
    if len(windows) < 2:
        return MEAN
    losses = np.zeros(3)
    for at in windows:
        inside = pl.col("cutoff") == at
        weights, window = learn(errors.where(~inside)), errors.where(inside)
        losses += _losses(window, weights, totals)
    ratios = losses / max(losses[0], 1e-300)
    best = int(np.argmin(ratios))
    return (MEAN, TRIMMED, MEDIAN)[best] if ratios[best] < 1 - EARNED else MEAN


def _losses(window: Errors, weights: Sequence[StepWeights], totals: float) -> Floats:
    """The losses (3,) of the weighted mean, the trimmed mean and the median in a window."""
    combined = combined_errors(window, weights)
    sums = Errors(window.frame.hstack(pl.DataFrame(combined, schema=["mean:0", "mean:1", "mean:2"])), ("0", "1", "2"))
    of_series, of_totals = window.sizes(combined), np.sqrt((sums.of_totals**2).mean(axis=0))
    return np.asarray(of_series / max(of_series[0], 1e-300) + totals * of_totals / max(of_totals[0], 1e-300))


def combined_errors(window: Errors, weights: Sequence[StepWeights]) -> Floats:
    """The errors (n, 3) of the weighted mean, the trimmed mean and the median: all forms keep what members share."""
    errors, steps = window.of_means, window.frame["step"].to_numpy()
    combined = np.zeros((len(errors), 3))
    for group in weights:
        rows = (steps >= group.first) & (steps <= group.last)
        kept = np.sort(errors[rows][:, group.kept], axis=1)
        inner = kept[:, 1:-1] if kept.shape[1] >= TRIM_FROM else kept
        combined[rows] = np.stack([errors[rows] @ group.weight, inner.mean(axis=1), np.median(kept, axis=1)], axis=1)
    return combined
