"""The series beside those of a scenario: `with_peers` adds those that a changed promotion is known to move.

It takes a Served, ids of series and their EditedPlan, and returns both with the other series of their markets, whose
plans stay; `beside` takes the plan and a series, and returns the others of its market. Where the response knows nothing
of peers nothing is added.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from forecasting.data.panel import KEY
from forecasting.planning.response.levers import PEERS
from forecasting.steps.serving.plans import EditedPlan, planned_rows
from forecasting.steps.serving.served import Served


def with_peers(served: Served, ids: pl.Series, plan: EditedPlan) -> tuple[pl.Series, EditedPlan]:
    """The ids and the plan with all series of the markets in which a promotion is changed."""
    more = _peers(served, plan).filter(~pl.col("unique_id").is_in(ids.implode()))["unique_id"].sort()
    if more.is_empty():
        return ids, plan
    coming = planned_rows(served, more)
    planned, edited = (pl.concat([rows, coming]).sort(KEY) for rows in (plan.planned, plan.edited))
    return pl.concat([ids, more]).sort(), replace(plan, planned=planned, edited=edited)


def _peers(served: Served, plan: EditedPlan) -> pl.DataFrame:
    """[unique_id] of the markets with a changed promotion."""
    table, none = served.bundle.levers, pl.DataFrame(schema={"unique_id": pl.String})
    if table is None or "market" not in table.columns:
        return none
    known = table.filter(pl.col("kind") == PEERS, pl.col("grain") == "series")
    columns = [c for c in known["column"].unique() if c in plan.planned.columns]
    if not columns:
        return none
    changed = plan.where_changed(columns).planned.select("unique_id").unique()
    markets = known.join(changed, on="unique_id", how="semi")["market"].unique()
    there = pl.col("unique_id").is_in(served.series["unique_id"].implode())
    return known.filter(pl.col("market").is_in(markets.implode()), there).select("unique_id")


def beside(served: Served, like: pl.Series, plan: EditedPlan) -> EditedPlan:
    """The rows of a plan of the other series in the market of `like`, one series that responds to their promotions."""
    table = served.bundle.levers
    if table is None or "market" not in table.columns:
        return plan.of(like.clear())
    known = table.filter(pl.col("kind") == PEERS, pl.col("grain") == "series").sort("unique_id")
    market = known.filter(pl.col("unique_id") == like[0])["market"]
    return plan.of(known.filter(pl.col("market").is_in(market.implode()), pl.col("unique_id") != like[0])["unique_id"])


def tell_peers(chosen: pl.Series, rows: pl.DataFrame) -> list[str]:
    """A sentence about the rows of other series than those that were chosen."""
    others = rows.filter(~pl.col("unique_id").is_in(chosen.implode()))
    if others.is_empty():
        return []
    units = float(others["difference"].sum())
    return [
        f"{others['unique_id'].n_unique():,} other series of the same markets respond to these promotions "
        f"({units:+,.1f} units over the horizon): their rows, with nothing changed, are listed and summed up, too."
    ]
