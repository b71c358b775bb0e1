"""Price and promotion of an explanation: `with_response` takes effects and returns those of the response where it is.

The response of sales (the table `levers` of a bundle) is what scenarios answer with, so explanations do, too; a bundle
without it keeps the effects of the decomposition. This is the only place where they are chosen.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.planning.explain.usual import usual_plans
from forecasting.planning.response.answer import levers_in, response_factors


def with_response(effects: pl.DataFrame, levers: pl.DataFrame | None, cut: Cut, prices: pl.DataFrame) -> pl.DataFrame:
    """`effects` [unique_id, ds, price, promotion ...], logarithms of future rows of bucket 0 of the cut, with `price`
    and `promotion` as the response has them: from the first prices to the planned ones, and from no promotion.
    """
    if levers is None:
        return effects
    frame, roles = cut.frame(0), cut.config.columns
    coming, resets = frame.filter(pl.col("ds") > cut.cutoff), usual_plans(frame, prices, cut.config, cut.cutoff)
    known = {lever.column for lever in levers_in(levers)}
    every = {reset.column: reset for step in resets.values() for reset in step}
    for name, column in (("price", roles.price), ("promotion", roles.promo)):
        if column in known and column in every:
            usual = coming.with_columns(every[column].expr(coming.schema[column]))
            moved = response_factors(usual, coming, levers).select(*KEY, _log=pl.col("factor").log())
            joined = effects.join(moved, on=KEY, how="left", maintain_order="left")
            effects = joined.with_columns(pl.coalesce("_log", name).alias(name)).drop("_log")
    return effects
