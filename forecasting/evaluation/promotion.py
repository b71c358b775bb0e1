"""Promotion to champion: a paired test for a new recipe, sanity checks for the same recipe on newer data.

A recipe is the config keys that change a forecast. `decide_promotion` takes rows of `backtests` of challenger, champion
(or None) and ladder (naive models), `decide_refresh` forecasts and recent history of a new bundle (fitted models and
quantile table in one folder). Both return a Decision (promote, reason ...); neither promotes anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from forecasting.evaluation.intervals.residuals import is_closed, least_sales
from forecasting.evaluation.paired_test import Comparison, best_model_rows, compare_pair, model_name

LARGEST_SHIFT = 5.0
"""By this factor the mean forecast may differ from recent mean sales, either way."""


@dataclass(frozen=True)
class Decision:
    """Whether to promote, why in one sentence, and the gain in WAPE over the rival with its 95 % interval."""

    promote: bool
    reason: str
    gain: float | None = None
    lo: float | None = None
    hi: float | None = None


def decide_promotion(challenger: pl.DataFrame, champion: pl.DataFrame | None, ladder: pl.DataFrame) -> Decision:
    """Whether a new recipe becomes champion.

    All three are rows of `backtests` on the same windows (unique_id, ds, cutoff, model, y, yhat and perhaps q50); the
    ladder may hold several models, of which the one with the lowest WAPE counts. Without a champion the challenger must
    have a lower WAPE than the ladder; with one it must win the paired test: its interval lies above 0. Raises
    ValueError when a row with an observation has no forecast.
    """
    rival = champion if champion is not None else best_model_rows(ladder)
    compared = compare_pair(challenger, rival)
    if compared is None:
        return Decision(False, "Not promoted: the challenger and its rival have no scored rows in common.")
    judge = judge_first_champion if champion is None else judge_against_champion
    return judge(compared, model_name(challenger), model_name(rival))


def judge_first_champion(compared: Comparison, model: str, rival: str) -> Decision:
    """The first champion must have a lower WAPE than the best of the ladder.

    >>> judge_first_champion(Comparison(0.2, 0.3, 0.1, -0.05, 0.25, "9 series"), "LightGBM", "Naive").promote
    True
    """
    won = compared.gain > 0
    start = "Promoted: there was no champion and" if won else "Not promoted:"
    verb = "beats" if won else "does not beat"
    reason = f"{start} {model} {verb} {rival}, the best of the ladder: {compared.figures}."
    return Decision(won, reason, compared.gain, compared.lo, compared.hi)


def judge_against_champion(compared: Comparison, model: str, rival: str) -> Decision:
    """A new recipe must be better than the champion by more than chance.

    >>> judge_against_champion(Comparison(0.2, 0.3, 0.1, -0.05, 0.25, "9 series"), "LightGBM", "Naive").promote
    False
    """
    won = compared.lo > 0
    start, verb = ("Promoted:", "beats") if won else ("Not promoted:", "does not beat")
    reason = f"{start} {model} {verb} the champion {rival} by more than chance: {compared.figures}."
    return Decision(won, reason, compared.gain, compared.lo, compared.hi)


def decide_refresh(forecasts: pl.DataFrame, recent: pl.DataFrame, y_min: float | None = 0.0) -> Decision:
    """Whether the same recipe, trained on newer data, replaces its champion: only sanity is checked.

    `forecasts` [unique_id, ds, yhat, perhaps closed] of the refreshed bundle; `recent` [unique_id, ds, y] the newest
    history of the same series. Forecasts must be there, and those of open periods finite, not below `y_min` (without
    one: a column `yhat_min`), and their mean per row within a factor of five of the recent mean.
    """
    fault = find_invalid_forecasts(forecasts, y_min) or find_level_shift(forecasts, recent)
    if fault:
        return Decision(False, f"Not promoted: the refreshed bundle {fault}.")
    checked = f"{forecasts.height:,} forecasts that were checked are finite and of the size of recent sales"
    return Decision(True, f"Promoted: same recipe on newer data, and its {checked}.")


def find_invalid_forecasts(forecasts: pl.DataFrame, y_min: float | None) -> str | None:
    """What is impossible about the column yhat, in words; None when nothing is.

    >>> find_invalid_forecasts(pl.DataFrame({"yhat": [1.0, -2.0]}), y_min=0.0)
    'makes 1 of 2 forecasts below 0'
    """
    if forecasts.is_empty():
        return "makes no forecast"
    opened = forecasts.filter(~is_closed(forecasts.columns))
    yhat = opened["yhat"]
    invalid = yhat.len() - int(yhat.is_finite().sum())
    if invalid:
        return f"makes {invalid} of {yhat.len()} forecasts that are not numbers"
    below = opened.filter(pl.col("yhat") < least_sales(opened.columns, y_min)).height
    return f"makes {below} of {yhat.len()} forecasts below {y_min or 0:g}" if below else None


def find_level_shift(forecasts: pl.DataFrame, recent: pl.DataFrame) -> str | None:
    """How far the mean of the column yhat is from that of y in `recent`, if by more than the factor; else None.

    >>> find_level_shift(pl.DataFrame({"yhat": [60.0]}), pl.DataFrame({"y": [10.0, None]}))
    'forecasts 60 a row where recent sales were 10, more than a factor of 5 apart'
    """
    opened = forecasts.filter(~is_closed(forecasts.columns))
    ahead, before = (_mean(frame[column]) for frame, column in ((opened, "yhat"), (recent, "y")))
    if opened.is_empty() or before <= 0 or before / LARGEST_SHIFT <= ahead <= before * LARGEST_SHIFT:
        return None
    factor = f"more than a factor of {LARGEST_SHIFT:g} apart"
    return f"forecasts {ahead:.4g} a row where recent sales were {before:.4g}, {factor}"


def _mean(values: pl.Series) -> float:
    """The mean of the values that are not null, 0 when there is none."""
    observed = values.drop_nulls()
    return float(observed.sum()) / observed.len() if observed.len() else 0.0
