"""How sales respond to price and promotion, for people: `report_levers` takes a Session and returns {name: frame}.

`groups` and `series` hold the newest version's rows of the table `levers` with the effect as planners speak of it: an
elasticity, or an uplift as a share. Nothing is estimated or written.
"""

from __future__ import annotations

import polars as pl

from forecasting.errors import UserError
from forecasting.planning.response.levers import AFTER, NUMBER, PEERS, PRICE, SPILLS, follows_demand
from forecasting.steps.session import Session

EFFECT = ("estimate", "lo", "hi")
SEEN = ("changes", "low", "high", "last")


def report_levers(session: Session) -> dict[str, pl.DataFrame]:
    """groups [lever, measure, grain, unique_id, estimate, lo, hi, timing, doubt] and series, which have no grain but
    changes, low, high and last.

    `measure` says what the effect is: an elasticity, an uplift (a share: 0.5 is half as much again), or the uplift of
    one unit more; lo and hi are its 90 % interval. `timing` is the correlation of its moves with the demand before.
    Raises UserError where no training has estimated a response.
    """
    every = session.store.scan("levers").collect()
    if every.is_empty():
        raise UserError(
            "no response to price or promotion is known: columns.price, columns.promo or levers must name a known-ahead"
            " column that changes in the history",
            where=session.config.name,
            needs="train",
        )
    newest = every.filter(pl.col("version") == pl.col("version").max()).sort("lever", "grain", "unique_id")
    priced = pl.col("kind") == PRICE
    measure = pl.when(priced).then(pl.lit("elasticity")).when(pl.col("kind") == NUMBER).then(pl.lit("uplift per unit"))
    beyond = {AFTER: "uplift in periods after", PEERS: "uplift when all peers promote"}
    measure = measure.when(pl.col("kind").is_in(SPILLS)).then(pl.col("kind").replace(beyond))
    spoken = newest.with_columns(
        *(pl.when(priced).then(c).otherwise(pl.col(c).exp() - 1).alias(c) for c in EFFECT),
        measure=measure.otherwise(pl.lit("uplift")),
        doubt=_doubt(priced),
    )
    of_series = pl.col("grain") == "series"
    named = ("lever", "measure", "grain", "unique_id", *EFFECT, "timing")
    series = spoken.filter(of_series).select(*named, *SEEN, "doubt").drop("grain")
    return {"groups": spoken.filter(~of_series).select(*named, "doubt"), "series": series}


def _doubt(priced: pl.Expr) -> pl.Expr:
    """What speaks against relying on the row of a series or group; null where nothing does."""
    unusual = pl.when(priced).then(pl.col("estimate") > 0).otherwise(pl.col("estimate") < 0) & (
        ~pl.col("kind").is_in([NUMBER, *SPILLS])
    )
    sign = (
        pl.when(pl.col("estimate").is_null())
        .then(pl.lit("the data cannot tell"))
        .when(pl.col("changes") == 0)
        .then(pl.lit("never changed: that of similar series"))
        .when((pl.col("lo") <= 0) & (pl.col("hi") >= 0))
        .then(pl.lit("the interval contains 0"))
        .when(unusual)
        .then(pl.lit("an unusual sign"))
    )
    timed = pl.when(follows_demand()).then(pl.lit("moved after weak or strong demand"))
    both = pl.concat_str(sign, timed, separator="; ", ignore_nulls=True)
    return pl.when(both != "").then(both)
