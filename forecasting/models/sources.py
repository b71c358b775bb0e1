"""The texts of the column `source`: which model, fallback or sum a forecast row comes from, as planners read it.

Constants, and `similar_series`, which returns the text of a cold start as an expression. They are made to be read: what
code needs to know about a row has a separate column, such as `cold_start`.
"""

from __future__ import annotations

import polars as pl

NO_HISTORY = "no history"
"""A series without history and without similar series: the forecast is 0."""
SUM_OF_SERIES = "sum of its series"
CAPPED = " (capped)"
"""Added where a forecast was limited (see models/guards)."""
REFITTED = " (refit)"
"""Added to a model that keeps no state and is fitted again for every forecast."""


def similar_series(group: pl.Expr, launched: pl.Expr) -> pl.Expr:
    """The text of a cold start: the `group` (item=milk) whose series it is taken from, and whether a launch curve is
    applied (`launched`).
    """
    curve = pl.when(launched).then(pl.lit(" with launch curve")).otherwise(pl.lit(""))
    return pl.format("similar series ({}){}", group, curve)
