"""The fit of a decomposition: `fit_pooled` finds what series have in common, `decompose` describes rows of any series.

Both take a Design; `fit_pooled` returns Pooled, `decompose` a frame of logarithms. Effects are estimated in turn, each
given all others, by Poisson pseudo-likelihood: what was sold over what was expected, with rows weighted as their noise
deserves.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.planning.decomposition.design import Design
from forecasting.planning.decomposition.pooled import ALL, OWN, PARTS, Pooled
from forecasting.planning.decomposition.rounds import Rounds

Floats = NDArray[np.float64]
EFFECTS = ("trend", "season", "holiday", "opening", "price", "promotion")
"""The effects of a decomposition, logarithms that are added to that of the level."""
POOLED_ROUNDS, OWN_ROUNDS = 12, 6
"""Rounds through all effects: the last one changes hundredths of what the first does."""
FACTORS, RARE = ("season", "year"), ("holiday", "feast", "opening")
"""Effects of all rows, and those of few, which are separated in RARE_ROUNDS each time: a day before a holiday is often
one before a closing, too."""
RARE_ROUNDS = 5


def fit_pooled(design: Design) -> Pooled:
    """What the series of the design have in common; without rows nothing.

    >>> keys = pl.DataFrame({"unique_id": ["a"] * 4, "ds": [1, 2, 3, 4]})
    >>> flat = dict.fromkeys((*FACTORS, *RARE), np.zeros(4, np.int64))
    >>> none, y, recent = np.zeros(4), np.array([2.0, 3.0, 2.0, 3.0]), np.ones(4, bool)
    >>> prices = pl.DataFrame({"unique_id": ["a"], "first_price": [None]})
    >>> design = Design(keys, ["a"], flat["year"], y, none, recent, flat, none, none, prices, {}, 1.0)
    >>> decompose(design, fit_pooled(design))["expected"].round(3).to_list()
    [2.5, 2.5, 2.5, 2.5]
    """
    rounds = Rounds(design)
    if not rounds.seen.any():
        return Pooled()
    columns = sorted(design.groups, key=lambda name: len(set(design.groups[name])))  # large groups first
    wide, rare = ([(f, g) for f in factors for g in (ALL, *columns)] for factors in (FACTORS, RARE))
    for _ in range(POOLED_ROUNDS):
        rounds.update_lines()
        rounds.update_expected()
        for factor, grouping in (*wide, ("season", OWN), *(RARE_ROUNDS * rare)):
            rounds.update_factor(factor, grouping)
        rounds.update_noise()
    return rounds.pooled()


def decompose(design: Design, pooled: Pooled) -> pl.DataFrame:
    """[unique_id, ds, level, EFFECTS ..., expected]: one row per row of the design.

    `level` is in units of y a period, at the first fitted row of the series; null for a series that sold nothing. The
    effects are logarithms: the price against that of the beginning, the promotion against none, the season against the
    mean of a season and a year. `expected` is their product with the level.
    """
    rounds = Rounds(design, pooled)
    for _ in range(OWN_ROUNDS):
        rounds.update_lines()
        rounds.update_factor("season", OWN)
    effects = rounds.line_effects() | {name: rounds.factor_effect(parts) for name, parts in PARTS.items()}
    level = np.where(np.isin(design.series, rounds.sold), np.exp(rounds.lines[design.series, 0]), np.nan)
    frame = design.keys.with_columns(
        pl.Series("level", level, nan_to_null=True), *(pl.Series(name, effects[name]) for name in EFFECTS)
    )
    return frame.with_columns(expected=pl.col("level") * pl.sum_horizontal(EFFECTS).exp())
