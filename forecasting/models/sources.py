"""The texts of the column `source`: which model, fallback or sum a forecast row comes from, as planners read it.

Constants, and `similar_series` and `like_series`, which return the text of a cold start as an expression. They are made
to be read: what code needs to know about a row has a separate column, such as `cold_start`.
"""

from __future__ import annotations

import polars as pl

NO_HISTORY = "no history"
"""A series without history and without similar series: the forecast is 0."""
SUM_OF_SERIES = "sum of its series"
CAPPED = " (capped)"
"""Added where a forecast was limited (see models/guards)."""
LAUNCHED = " with launch curve"
"""Added where a new series starts as launches do."""
REFITTED = " (refit)"
"""Added to a model that keeps no state and is fitted again for every forecast."""


def similar_series(group: pl.Expr, launched: pl.Expr) -> pl.Expr:
    """The text of a cold start: the `group` (item=milk) whose series it is taken from, and whether a launch curve is
    applied (`launched`).
    """
    curve = pl.when(launched).then(pl.lit(LAUNCHED)).otherwise(pl.lit(""))
    return pl.format("similar series ({}){}", group, curve)


def like_series(like: pl.Expr, launched: pl.Expr) -> pl.Expr:
    """The text of a new series that is forecast `like` another one, and whether a launch curve is applied."""
    curve = pl.when(launched).then(pl.lit(LAUNCHED)).otherwise(pl.lit(""))
    return pl.format("like {}{}", like, curve)
