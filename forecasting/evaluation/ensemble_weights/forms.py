"""The form of a combination: the weighted mean, or the trimmed mean or the median of the members that are kept.

`best_form` takes Errors and a function that learns StepWeights from some of their windows, and returns the form that
did best in the windows that it was not learned from; `medians_earn` says whether the members' own medians did better
than their means. Both keep to the default where what is known may be luck.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from forecasting.evaluation.ensemble_weights.errors import Errors, Floats
from forecasting.evaluation.ensemble_weights.solve import Flags, good_members
from forecasting.models.weights import MEAN, MEDIAN, TRIM_FROM, TRIMMED

EARNED = 0.005
"""What is chosen instead of the default must have been better by this share: with few windows luck chooses."""


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
    if len(errors.windows) < 2:
        return MEAN
    losses = np.array([_losses_outside(errors, at, learn, totals) for at in errors.windows])
    gains = 1 - losses / np.maximum(losses[:, :1], 1e-300)
    best = int(gains.mean(axis=0).argmax())
    return (MEAN, TRIMMED, MEDIAN)[best] if is_earned(gains[:, best]) else MEAN


def medians_earn(errors: Errors) -> bool:
    """Whether the members' own medians were better medians than their means in the windows that knew any: what few
    windows say about how errors lie is often the shock that all series shared.

    Each kind stands for itself by the simple mean of its good members.
    """
    means, medians = errors.of_means, errors.of_medians
    near = [good_members(np.abs(side).mean(axis=0), errors.cells) for side in (means, medians)]
    combined = [np.abs(side[:, kept].mean(axis=1)) for side, kept in zip((means, medians), near, strict=True)]
    window = errors.frame.select("cutoff").hstack(pl.DataFrame(combined, schema=["plain", "own"]))
    known = window.with_columns(differs=pl.Series((means != medians).any(axis=1)))
    sizes = known.group_by("cutoff", maintain_order=True).agg(pl.col("plain", "own").mean(), pl.col("differs").any())
    informed = sizes.filter("differs").select(gain=1 - pl.col("own") / pl.max_horizontal("plain", 1e-300))
    return is_earned(informed["gain"].to_numpy())


def is_earned(gains: Floats) -> bool:
    """Whether gains (windows,), shares of the default's error, are more than luck: their mean is larger than EARNED and
    than its standard error; of two windows that are both.

    >>> is_earned(np.array([0.02, 0.03])), is_earned(np.array([0.09, -0.01])), is_earned(np.array([0.5]))
    (True, False, False)
    """
    if len(gains) < 2:
        return False
    return bool(gains.mean() > max(EARNED, gains.std(ddof=1) / np.sqrt(len(gains))))


def _losses_outside(errors: Errors, at: date, learn: Learn, totals: float) -> Floats:
    """The losses (3,) of a window by weights that were learned from the others."""
    inside, outside = pl.col("cutoff") == at, pl.col("cutoff") != at
    return _losses(errors.where(inside), learn(errors.where(outside)), totals)


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
