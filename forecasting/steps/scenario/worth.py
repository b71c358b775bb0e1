"""Prices, costs and doubts of a scenario: `with_worth` adds them, revenue and margin to compared rows.

It takes a Served, the EditedPlan and rows [unique_id, ds, baseline, yhat, difference ...]. Nothing is forecast.
"""

from __future__ import annotations

from typing import TypeAlias

import polars as pl

from forecasting.data.panel import KEY
from forecasting.planning.response.doubts import doubts_by_series
from forecasting.planning.worth import add_worth
from forecasting.steps.serving.plans import EditedPlan, at_usual
from forecasting.steps.serving.served import Served, buckets_of, newest_values

Values: TypeAlias = pl.Series | pl.Expr
UNKNOWN = pl.lit(None, pl.Float64)


def with_worth(served: Served, plan: EditedPlan, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `changed`, price_baseline, price, cost_baseline, cost, revenue, margin (see planning/worth) and
    `doubts`.

    A price that is not planned is the usual one, a cost that is not planned the newest one.
    """
    columns = served.job.config.columns
    values = plan.planned.select(*KEY).with_columns(
        plan.changed, **_prices(served, plan, columns.price), **_costs(served, plan, columns.cost)
    )
    worth = add_worth(rows.join(values, on=KEY, how="left", maintain_order="left"))
    why = doubts_by_series(plan.doubts)
    both = worth.join(why, on="unique_id", how="left", maintain_order="left")
    return both.select(*KEY, "changed", pl.exclude(*KEY, "changed"))


def _prices(served: Served, plan: EditedPlan, column: str | None) -> dict[str, Values]:
    if column is None or column not in plan.planned.columns:
        return dict.fromkeys(("price_baseline", "price"), UNKNOWN)
    usual = at_usual(served, plan, [column])
    return {"price_baseline": usual.planned[column].cast(pl.Float64), "price": usual.edited[column].cast(pl.Float64)}


def _costs(served: Served, plan: EditedPlan, column: str | None) -> dict[str, Values]:
    if column is None or column not in plan.planned.columns:
        return dict.fromkeys(("cost_baseline", "cost"), UNKNOWN)
    ids = plan.planned["unique_id"].unique()
    newest = pl.concat([newest_values(served, bucket, column) for bucket in buckets_of(served, ids)])
    last = plan.planned.select("unique_id").join(newest, on="unique_id", how="left", maintain_order="left")["newest"]
    ends = {"cost_baseline": plan.planned, "cost": plan.edited}
    return {name: f.select(pl.coalesce(column, last).cast(pl.Float64)).to_series() for name, f in ends.items()}
