"""Who may become champion: sanity checks for a refresh, a paired test for a new recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.metrics import scored_rows

KEY = ("unique_id", "ds", "cutoff")
DRAWS = 1000
FEW = 8
UNITS = (("series", KEY[:1]), ("series and cutoffs", ("unique_id", "cutoff")), ("rows", KEY))
WIDE = 5.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """Whether to promote, why in one sentence, and the gain in WAPE over the rival with its 95 % interval."""

    promote: bool
    reason: str
    gain: float | None = None
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Challenger and reference on the same rows: their WAPE, the gain and its 95 % interval, what was resampled."""

    wape: float
    reference: float
    gain: float
    lo: float
    hi: float
    units: str

    @property
    def figures(self) -> str:
        """The comparison in words."""
        interval = f"95 % interval {self.lo:+.4f} to {self.hi:+.4f}, over {self.units}"
        return f"WAPE {self.wape:.4f} against {self.reference:.4f}, gain {self.gain:+.4f} ({interval})"


def decide_promotion(challenger: pl.DataFrame, champion: pl.DataFrame | None, ladder: pl.DataFrame) -> Decision:
    """May a new recipe become champion?

    All three are rows of `backtests` on the same windows (unique_id, ds, cutoff, model, y, yhat and perhaps q50); the
    ladder may hold several models, of which the one with the lowest WAPE counts. Without a champion the challenger must
    have a lower WAPE than the ladder; with one it must win the paired test, its whole interval above 0.
    """
    rival = champion if champion is not None else best_model_rows(ladder)
    compared = compare_pair(challenger, rival)
    if compared is None:
        return Decision(False, "Not promoted: the challenger and its rival have no scored rows in common.")
    judge = judge_first_champion if champion is None else judge_against_champion
    return judge(compared, model_name(challenger), model_name(rival))


def judge_first_champion(compared: Comparison, model: str, rival: str) -> Decision:
    """The first champion must have a lower WAPE than the best of the ladder."""
    won = compared.gain > 0
    start = "Promoted: there was no champion and" if won else "Not promoted:"
    verb = "beats" if won else "does not beat"
    reason = f"{start} {model} {verb} {rival}, the best of the ladder: {compared.figures}."
    return Decision(won, reason, compared.gain, compared.lo, compared.hi)


def judge_against_champion(compared: Comparison, model: str, rival: str) -> Decision:
    """A new recipe must be better than the champion by more than chance."""
    won = compared.lo > 0
    start, chance = ("Promoted:", "beats") if won else ("Not promoted:", "does not beat")
    reason = f"{start} {model} {chance} the champion {rival} by more than chance: {compared.figures}."
    return Decision(won, reason, compared.gain, compared.lo, compared.hi)


def model_name(rows: pl.DataFrame) -> str:
    """The name of the model that made the rows."""
    return str(rows["model"][0]) if "model" in rows.columns and rows.height else "the model"


def best_model_rows(ladder: pl.DataFrame) -> pl.DataFrame:
    """The rows of the model with the lowest WAPE; ties go by name."""
    rows = scored_rows(ladder)
    wapes = rows.group_by("model").agg(wape=(pl.col("q50") - pl.col("y")).abs().sum() / pl.col("y").abs().sum())
    name = wapes.sort("wape", "model")["model"].head(1)
    return ladder.filter(pl.col("model").is_in(name.implode()))


def compare_pair(challenger: pl.DataFrame, reference: pl.DataFrame, seed: int = 0) -> Comparison | None:
    """Paired comparison on the rows that both have, None when there is none with sales.

    The interval is a bootstrap over series, the unit that is nearly independent, both errors of a series drawn
    together; with fewer than eight series it is over series and cutoffs, and with fewer than eight of those over rows,
    which is too sure of itself because neighbouring days err alike.
    """
    both = pair_errors(challenger, reference)
    if both["y"].abs().sum() == 0:
        return None
    units, parts = resampling_units(both)
    gains = bootstrap_gains(parts, seed)
    own, other, volume = (float(total) for total in parts.sum(axis=0))
    lo, hi = np.quantile(gains, [0.025, 0.975])
    return Comparison(own / volume, other / volume, (other - own) / volume, float(lo), float(hi), units)


def pair_errors(challenger: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, cutoff, y, own, other]: absolute errors of both (on q50 where given) on the rows both have."""
    error = (pl.col("q50") - pl.col("y")).abs()
    own = scored_rows(challenger).select(*KEY, pl.col("y").abs(), own=error)
    return own.join(scored_rows(reference).select(*KEY, other=error), on=KEY)


def resampling_units(both: pl.DataFrame) -> tuple[str, Floats]:
    """What is drawn ("340 series") and its sums [own error, other error, volume], one row per unit."""
    parts = [(name, both.group_by(keys).agg(pl.col("own", "other", "y").sum()).sort(keys)) for name, keys in UNITS]
    name, chosen = next((part for part in parts if part[1].height >= FEW), parts[-1])
    return f"{chosen.height} {name}", chosen.select("own", "other", "y").to_numpy()


def bootstrap_gains(parts: Floats, seed: int) -> Floats:
    """Gains in WAPE of resampled units; draws without any volume count as no gain."""
    rng = np.random.default_rng(seed)
    n = len(parts)
    sums = np.array([parts[rng.integers(0, n, n)].sum(axis=0) for _ in range(DRAWS)])
    gains, volume = sums[:, 1] - sums[:, 0], sums[:, 2]
    return np.where(volume > 0, gains / np.where(volume > 0, volume, 1.0), 0.0)


def decide_refresh(forecasts: pl.DataFrame, recent: pl.DataFrame, y_min: float | None = 0.0) -> Decision:
    """May the same recipe, trained on newer data, replace its champion? Only sanity is asked.

    `forecasts` [unique_id, ds, yhat] of the refreshed bundle; `recent` [unique_id, ds, y] the newest history of the
    same series. Forecasts must be there, finite, not below `y_min`, and their mean per row within a factor of five of
    the recent mean.
    """
    fault = find_invalid_forecasts(forecasts, y_min) or find_level_shift(forecasts, recent)
    if fault:
        return Decision(False, f"Not promoted: the refreshed bundle {fault}.")
    checked = f"{forecasts.height} forecasts are finite and of the size of recent sales"
    return Decision(True, f"Promoted: same recipe on newer data, and its {checked}.")


def find_invalid_forecasts(forecasts: pl.DataFrame, y_min: float | None) -> str | None:
    """What is impossible about the forecasts, or None."""
    yhat = forecasts["yhat"]
    if yhat.is_empty():
        return "makes no forecast"
    lost = yhat.len() - int(yhat.is_finite().sum())
    if lost:
        return f"makes {lost} of {yhat.len()} forecasts that are not numbers"
    below = 0 if y_min is None else int((yhat < y_min).sum())
    return f"makes {below} of {yhat.len()} forecasts below {y_min:g}" if below else None


def find_level_shift(forecasts: pl.DataFrame, recent: pl.DataFrame) -> str | None:
    """How far the mean forecast is from the recent mean if by more than the wide factor, or None."""
    ahead, before = (mean_of_values(frame, column) for frame, column in ((forecasts, "yhat"), (recent, "y")))
    if before <= 0 or before / WIDE <= ahead <= before * WIDE:
        return None
    return f"forecasts {ahead:.4g} a row where recent sales were {before:.4g}, more than a factor of {WIDE:g} apart"


def mean_of_values(frame: pl.DataFrame, column: str) -> float:
    """The mean of the values that are there, 0 when there is none."""
    values = frame[column].drop_nulls()
    return float(values.sum()) / values.len() if values.len() else 0.0
