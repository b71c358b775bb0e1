"""What forecasts are worth: `add_worth` takes rows of a scenario with prices and costs, and returns revenue and margin.

Revenue is yhat x price, margin is yhat x (price - cost), as planned and with the edits, in the currency of the prices;
null where a price or a cost is not known. `warn_of_worth` names what is unknown. Nothing is forecast.
"""

from __future__ import annotations

import polars as pl

UNITS, REVENUE, MARGIN = MEASURES = ("units", "revenue", "margin")
"""What a scenario is measured in."""
NO_COST = "no cost is known: units and revenue only. Name the column of the cost of a unit in columns.cost."
NO_PRICE = "no price is known: units only. Name the column of the price in columns.price."
POINTS = {
    UNITS: ("baseline", "yhat", "difference"),
    REVENUE: ("revenue_baseline", "revenue", "revenue_difference"),
    MARGIN: ("margin_baseline", "margin", "margin_difference"),
}
"""The columns of each measure: as planned, with the edits, and the second less the first."""


def add_worth(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows [baseline, yhat, price_baseline, price, cost_baseline, cost] with the columns of revenue and margin.

    >>> values = {"price_baseline": 4.0, "price": 3.0, "cost_baseline": 2.0, "cost": 2.0}
    >>> row = add_worth(pl.DataFrame([{"baseline": 10.0, "yhat": 15.0} | values]))
    >>> row.select("revenue_baseline", "revenue", "margin_baseline", "margin", "margin_difference").row(0)
    (40.0, 45.0, 20.0, 15.0, -5.0)
    """
    made: dict[str, pl.Expr] = {}
    for measure in (REVENUE, MARGIN):
        before, after, difference = POINTS[measure]
        ends = [pl.col(c) * w for c, w in zip(POINTS[UNITS][:2], unit_values(measure), strict=True)]
        made |= {before: ends[0], after: ends[1], difference: ends[1] - ends[0]}
    return rows.with_columns(**made)


def unit_values(measure: str) -> tuple[pl.Expr, pl.Expr]:
    """What one unit counts as planned, and with the edits: 1, its price, or its price less its cost."""
    if measure == UNITS:
        return pl.lit(1.0), pl.lit(1.0)
    suffixes = ("_baseline", "")
    values = [pl.col(f"price{s}") - (pl.col(f"cost{s}") if measure == MARGIN else 0.0) for s in suffixes]
    return values[0], values[1]


def known_measures(rows: pl.DataFrame) -> tuple[str, ...]:
    """The measures of which some row holds a value.

    >>> known_measures(pl.DataFrame({"revenue": [None, 3.0], "margin": [None, None]}))
    ('units', 'revenue')
    """
    return tuple(m for m in MEASURES if m == UNITS or rows[POINTS[m][1]].count())


def warn_of_worth(rows: pl.DataFrame) -> list[str]:
    """Sentences about the revenue and margin that are unknown, of all rows or of some."""
    sold = rows.filter((pl.col("baseline") != 0) | (pl.col("yhat") != 0))
    known = known_measures(sold)
    if REVENUE not in known:
        return [NO_PRICE]
    without = [_missing(sold, "price", REVENUE)]
    without += [NO_COST] if MARGIN not in known else [_missing(sold, "cost", MARGIN)]
    return [sentence for sentence in without if sentence]


def _missing(rows: pl.DataFrame, column: str, measure: str) -> str:
    lacking = rows.filter(pl.any_horizontal(pl.col(f"{column}_baseline", column).is_null()))["unique_id"].n_unique()
    every = rows["unique_id"].n_unique()
    return (
        f"no {column} is known for {lacking:,} of {every:,} series: {measure} leaves out their days." if lacking else ""
    )
