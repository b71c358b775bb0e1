"""Price and promotion of an explanation: `with_response` takes effects and returns those of the response where it is.

The response of sales (the table `levers` of a bundle) is what scenarios answer with, so explanations do, too; a bundle
without it keeps the effects of the decomposition. This is the only place where they are chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.data.buckets import collect_each
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.planning.explain.usual import usual_plans
from forecasting.planning.response.answer import response_factors
from forecasting.planning.response.levers import PEERS, SPILLS, Lever, levers_in


def with_response(effects: pl.DataFrame, levers: pl.DataFrame | None, cut: Cut, prices: pl.DataFrame) -> pl.DataFrame:
    """`effects` [unique_id, ds, price, promotion ...], logarithms of future rows of bucket 0 of the cut, with `price`
    and `promotion` as the response has them: from the first prices to the planned ones, and from no promotion. What
    promotions that have just ended and those of the market do is theirs, where the response knows it.
    """
    if levers is None:
        return effects
    frame, roles = cut.frame(0), cut.config.columns
    coming, resets = frame.filter(pl.col("ds") > cut.cutoff), usual_plans(frame, prices, cut.config, cut.cutoff)
    known, spills = levers_in(levers), [lever for lever in levers_in(levers) if lever.kind in SPILLS]
    every = {reset.column: reset for step in resets.values() for reset in step}
    for name, column in (("price", roles.price), ("promotion", roles.promo)):
        if column not in {lever.column for lever in known}:
            continue
        if name == "promotion" and spills:
            planned = _felt(frame, levers, cut, spills)
            usual = planned.with_columns(pl.lit(_none_of(planned, spills[0]), planned.schema[column]).alias(column))
        elif column in every:
            planned, usual = coming, coming.with_columns(every[column].expr(coming.schema[column]))
        else:
            continue
        moved = response_factors(usual, planned, levers).select(*KEY, _log=pl.col("factor").log())
        joined = effects.join(moved, on=KEY, how="left", maintain_order="left")
        effects = joined.with_columns(pl.coalesce("_log", name).alias(name)).drop("_log")
    return effects


def _none_of(rows: pl.DataFrame, lever: Lever) -> float | str | None:
    """The value of the promotion's column that is none."""
    return 0.0 if rows.schema[lever.column].is_numeric() else lever.text


def _felt(frame: pl.DataFrame, levers: pl.DataFrame, cut: Cut, spills: Sequence[Lever]) -> pl.DataFrame:
    """The coming rows of a frame with all rows whose promotions are felt on them: just before, and of the market."""
    after = cut.config.frequency.shift(cut.cutoff, -max(lever.periods for lever in spills))
    own = frame.filter(pl.col("ds") > after)
    of_peers, panel = levers.filter(pl.col("kind") == PEERS, pl.col("grain") == "series"), cut.panel.part_of
    if of_peers.is_empty() or panel is None:
        return own
    mine = pl.col("unique_id").is_in(own["unique_id"].unique().implode())
    markets = of_peers.filter(mine)["market"].unique()
    ids = of_peers.filter(pl.col("market").is_in(markets.implode()), ~mine)["unique_id"]
    coming = pl.col("ds").is_between(cut.cutoff, cut.end, closed="right")
    parts = [panel.scan(b).filter(pl.col("unique_id").is_in(ids.implode()), coming) for b in panel.buckets]
    columns = [*KEY, *dict.fromkeys(lever.column for lever in levers_in(levers))]
    return pl.concat([rows.select(columns) for rows in (own, *collect_each(parts))]).sort(KEY)
