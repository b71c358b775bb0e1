"""The benchmark of responses on small chains: effects and components lie near those of the simulator."""

import polars as pl
import pytest

from benchmarks.response.chains import retailer
from benchmarks.response.components import components
from forecasting.planning.response.table import estimate_levers


def test_promotions_of_items_are_known_from_all_their_stores() -> None:
    """What an item tells by itself is its effect: none of it passes over into the differences between its stores."""
    chain = retailer(1, items=8, stores=3)
    table = estimate_levers(chain.config, chain.rows).filter(grain="series", lever="promo")
    both = table.join(chain.truth.select("unique_id", truth="promo"), on="unique_id")
    off = both.select((pl.col("own_estimate") - pl.col("truth")).mean()).item()
    assert off == pytest.approx(0, abs=0.01)


def test_components_of_explanations_are_those_of_the_chain() -> None:
    """Errors as a share of the true units: the limits are wider than those of a chain of full size."""
    found = {row["component"]: row for row in components([1], items=8, stores=3).iter_rows(named=True)}
    most = {"level": 0.05, "trend": 0.3, "season": 0.15, "holiday": 0.2, "price": 0.25, "promotion": 0.15}
    assert {name: row["off"] for name, row in found.items() if row["off"] > most[name]} == {}
    assert found["promotion"]["correlation"] > 0.9
