"""Paired test: `compare_pair` finds the gain in WAPE of one model over another on the same rows, with its interval.

It takes rows of `backtests` of a challenger and of a reference and returns a Comparison (wape, reference, gain, lo, hi,
units), a gain above 0 where the challenger errs less; None without common rows with sales. `best_model_rows` takes rows
of several models and returns those of the one with the lowest WAPE.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.metrics import scored_rows

Floats = NDArray[np.float64]

KEY = ("unique_id", "ds", "cutoff")
DRAWS = 1000
FEWEST_UNITS = 8
UNITS = (("series", KEY[:1]), ("series and cutoffs", ("unique_id", "cutoff")), ("rows", KEY))
"""What is resampled, from the unit that is most nearly independent to the one that is least."""


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


def compare_pair(challenger: pl.DataFrame, reference: pl.DataFrame, seed: int = 0) -> Comparison | None:
    """The paired comparison on the backtest rows that both have; None when they have none with sales in common.

    The interval is a percentile bootstrap (Efron 1979) over series, the unit that is nearly independent, both errors of
    a series drawn together; with fewer than eight series it is over series and cutoffs, and with fewer than eight of
    those over rows, which is too sure of itself because neighbouring days err alike. Raises ValueError when a row with
    an observation has no forecast.
    """
    both = pair_errors(challenger, reference)
    if both["y"].abs().sum() == 0:
        return None
    units, sums = sum_by_unit(both)
    gains = bootstrap_gains(sums, seed)
    error, reference_error, sales = (float(total) for total in sums.sum(axis=0))
    lo, hi = np.quantile(gains, [0.025, 0.975])
    gain = (reference_error - error) / sales
    return Comparison(error / sales, reference_error / sales, gain, float(lo), float(hi), units)


def pair_errors(challenger: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, cutoff, y, error, reference_error]: |y| and the absolute errors of both (on q50 where given), one
    row for each that both have, in units of y.
    """
    absolute_error = (pl.col("q50") - pl.col("y")).abs()
    errors = scored_rows(challenger).select(*KEY, pl.col("y").abs(), error=absolute_error)
    other = scored_rows(reference).select(*KEY, reference_error=absolute_error)
    return errors.join(other, on=KEY).sort(KEY)  # sums over rows in chance order differ in their last bits


def sum_by_unit(both: pl.DataFrame) -> tuple[str, Floats]:
    """What is resampled ("340 series") and its sums (units, 3): error, reference error and |y|.

    >>> both = pl.DataFrame({"unique_id": [f"s{i}" for i in range(8)], "ds": 1, "cutoff": 0, "y": 2.0, "error": 1.0,
    ...     "reference_error": 0.5})
    >>> units, sums = sum_by_unit(both)
    >>> units, sums[0].tolist()
    ('8 series', [1.0, 0.5, 2.0])
    """
    columns = ("error", "reference_error", "y")
    enough = (unit for unit in UNITS if both.select(unit[1]).n_unique() >= FEWEST_UNITS)
    name, keys = next(enough, UNITS[-1])
    sums = both.group_by(keys, maintain_order=True).agg(pl.col(columns).sum()).sort(keys)
    return f"{sums.height} {name}", sums.select(columns).to_numpy()


def bootstrap_gains(sums: Floats, seed: int) -> Floats:
    """Gains in WAPE (draws,) of resampled units, whose `sums` are (units, 3); a draw without sales counts as no gain.

    >>> bootstrap_gains(np.array([[1.0, 2.0, 10.0]] * 8), seed=0).mean().round(3).item()
    0.1
    """
    rng = np.random.default_rng(seed)
    n = len(sums)
    drawn = np.array([np.bincount(rng.integers(0, n, n), minlength=n) @ sums for _ in range(DRAWS)])
    gains, sales = drawn[:, 1] - drawn[:, 0], drawn[:, 2]
    return np.where(sales > 0, gains / np.where(sales > 0, sales, 1.0), 0.0)


def model_name(rows: pl.DataFrame) -> str:
    """The name of the model that made the rows.

    >>> model_name(pl.DataFrame({"model": ["Naive"]}))
    'Naive'
    """
    return str(rows["model"][0]) if "model" in rows.columns and rows.height else "the model"


def best_model_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The backtest rows of the model with the lowest WAPE, ties by name; raises ValueError as `compare_pair`.

    >>> rows = pl.DataFrame({"model": ["A", "B"], "y": [10.0, 10.0], "yhat": [12.0, 9.0]})
    >>> best_model_rows(rows)["model"].to_list()
    ['B']
    """
    name = model_wapes(rows).sort("wape", "model")["model"].head(1)
    return rows.filter(pl.col("model").is_in(name.implode()))


def model_wapes(rows: pl.DataFrame) -> pl.DataFrame:
    """[model, wape] of backtest rows, a share of all sales; judged on q50 where it is given.

    >>> model_wapes(pl.DataFrame({"model": ["A"], "y": [10.0], "yhat": [12.0]}))["wape"].to_list()
    [0.2]
    """
    error = (pl.col("q50") - pl.col("y")).abs().sum() / pl.col("y").abs().sum()
    return scored_rows(rows).group_by("model").agg(wape=error)
