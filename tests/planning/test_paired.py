"""The interval of a difference: by hand where the response alone is uncertain, exactly 0 where nothing changes."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.evaluation.sample_paths import fit_error_pool
from forecasting.planning.paired import CHANGED, HORIZON, TOTAL, Uncertainty, sum_differences
from forecasting.planning.worth import add_worth

FIRST = date(2026, 1, 5)
STEPS = 4
Z80 = 1.2815516


def rows(series: int = 1, factor: float = 1.2, error: float = 0.1, cost: float | None = 1.0) -> pl.DataFrame:
    """Ten units a day at a price of 4; on the first two days it is 3 and sales are `factor` times as many."""
    made = []
    for i in range(series):
        for step in range(1, STEPS + 1):
            changed = step <= 2
            made.append({
                "unique_id": f"S{i:03}", "ds": FIRST + timedelta(step), "step": step, "changed": changed,
                "baseline": 10.0, "yhat": 10.0 * factor if changed else 10.0, "scale": 5.0, "closed": False,
                "response_error": error if changed else 0.0, "price_baseline": 4.0, "price": 3.0 if changed else 4.0,
                "cost_baseline": cost, "cost": cost,
            })  # fmt: skip
    both = pl.DataFrame(made, schema_overrides={"cost_baseline": pl.Float64, "cost": pl.Float64})
    return add_worth(both.with_columns(difference=pl.col("yhat") - pl.col("baseline")))


def pool():
    """Errors of as much as all that is sold."""
    rng = np.random.default_rng(1)
    past = [
        {"unique_id": f"S{i}", "grain": "series", "cutoff": FIRST, "step": step, "yhat": 10.0, "scale": 5.0,
         "y": 10.0 + 8 * rng.standard_normal(), "closed": False}
        for i in range(60) for step in range(1, STEPS + 1)
    ]  # fmt: skip
    return fit_error_pool(pl.DataFrame(past).with_columns(pl.col("step").cast(pl.Int32)), STEPS, 0.0)


def one(sums: pl.DataFrame, unique_id: str, over: str, measure: str) -> dict:
    return sums.filter(unique_id=unique_id, over=over, measure=measure).row(0, named=True)


def test_sums_by_hand():
    sums = sum_differences(rows(2), Uncertainty(None, 1.0, (80,)))
    changed = one(sums, TOTAL, CHANGED, "units")
    assert (changed["baseline"], changed["scenario"], changed["difference"]) == (40.0, 48.0, 8.0)
    assert one(sums, TOTAL, HORIZON, "units")["baseline"] == 80.0
    money = one(sums, "S000", CHANGED, "revenue")
    assert (money["baseline"], money["scenario"], money["difference"]) == (80.0, 72.0, -8.0)
    assert one(sums, "S000", CHANGED, "margin")["difference"] == 24 * 2.0 - 20 * 3.0


def test_without_past_errors_the_response_alone_is_uncertain():
    sums = one(sum_differences(rows(), Uncertainty(None, 1.0, (80,))), "S000", CHANGED, "units")
    assert sums["lo-80"] == pytest.approx(24 * np.exp(-Z80 * 0.1) - 20, abs=0.5)
    assert sums["hi-80"] == pytest.approx(24 * np.exp(Z80 * 0.1) - 20, abs=0.5)


def test_what_changes_nothing_adds_exactly_0_however_uncertain_sales_are():
    sums = sum_differences(rows(3, factor=1.0, error=0.0).with_columns(price=4.0), Uncertainty(pool(), 0.3, (80, 95)))
    numbers = sums.filter(measure="units").select("difference", "lo-80", "hi-80", "lo-95", "hi-95")
    assert numbers.to_numpy().tolist() == np.zeros(numbers.shape).tolist()


def test_what_is_uncertain_anyway_counts_as_far_as_it_is_scaled():
    """A fifth more of sales that spread widely: a fifth of that spread, not the spread of two forecasts."""
    known = one(sum_differences(rows(error=0.0), Uncertainty(pool(), 1.0, (80,))), "S000", CHANGED, "units")
    width = known["hi-80"] - known["lo-80"]
    spread = 2 * Z80 * np.sqrt(2) * 8
    assert 0.5 * 0.2 * spread < width < 1.5 * 0.2 * spread
    assert known["lo-80"] >= 0, "a response that is known brings no loss"


def test_errors_that_series_share_do_not_average_out():
    alone, shared = (
        one(sum_differences(rows(100), Uncertainty(None, share, (80,))), TOTAL, CHANGED, "units")
        for share in (0.0, 1.0)
    )
    widths = [found["hi-80"] - found["lo-80"] for found in (alone, shared)]
    assert widths[1] / widths[0] == pytest.approx(10, rel=0.25)


def test_without_a_cost_there_is_no_margin():
    sums = sum_differences(rows(cost=None), Uncertainty(None, 1.0, (80,)))
    assert sums["measure"].unique().sort().to_list() == ["revenue", "units"]
