"""Revenue and margin of a scenario, and what is said where they cannot be told."""

import polars as pl
import pytest

from forecasting.planning.worth import NO_COST, NO_PRICE, add_worth, known_measures, warn_of_worth


def row(unique_id: str, price: float | None, cost: float | None) -> dict[str, object]:
    values = {"price_baseline": price, "price": price and price / 2, "cost_baseline": cost, "cost": cost}
    return {"unique_id": unique_id, "baseline": 10.0, "yhat": 15.0} | values


@pytest.mark.parametrize(
    ("rows", "says", "measures"),
    [
        ([row("a", 4.0, 1.0)], [], ("units", "revenue", "margin")),
        ([row("a", 4.0, None)], [NO_COST], ("units", "revenue")),
        ([row("a", None, 1.0)], [NO_PRICE], ("units",)),
        (
            [row("a", 4.0, 1.0), row("b", 4.0, None)],
            ["no cost is known for 1 of 2 series: margin leaves out their days."],
            ("units", "revenue", "margin"),
        ),
    ],
)
def test_what_is_not_known_is_said(rows, says, measures):
    made = add_worth(
        pl.DataFrame(rows, schema_overrides=dict.fromkeys(("price_baseline", "price", "cost"), pl.Float64))
    )
    assert warn_of_worth(made) == says
    assert known_measures(made) == measures


def test_the_margin_is_of_each_price_and_cost():
    made = add_worth(pl.DataFrame([row("a", 4.0, 1.0)])).row(0, named=True)
    assert (made["revenue_baseline"], made["revenue"], made["revenue_difference"]) == (40.0, 30.0, -10.0)
    assert (made["margin_baseline"], made["margin"], made["margin_difference"]) == (30.0, 15.0, -15.0)
