"""Where a forecast is good and where not, by hand."""

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.evaluation.breakdown import break_down_errors, costliest_series

DAY = date(2024, 1, 31)
ROWS = [
    # series, step, part, y, the forecast, the reference
    ("a", 1, "on", 10.0, 12.0, 16.0),
    ("a", 2, "off", 20.0, 19.0, 20.0),
    ("b", 1, "off", 30.0, 24.0, 33.0),
    ("b", 2, None, 40.0, 40.0, 50.0),
    ("c", 1, "off", None, 7.0, 7.0),
]


def rows(column):
    made = [
        {
            "unique_id": s,
            "cutoff": DAY,
            "ds": DAY + timedelta(k),
            "step": k,
            "promotion": p,
            "y": y,
            "yhat": mean if column == 4 else ref,
        }
        for s, k, p, y, mean, ref in ROWS
    ]
    return pl.DataFrame(made)


def test_parts_by_hand():
    result = break_down_errors(rows(4), rows(5), "promotion")
    off, on = result.rows(named=True)
    assert (on["part"], on["series"], on["wape"], on["bias"], on["reference_wape"]) == ("on", 1, 0.2, 0.2, 0.6)
    assert on["gain"] == pytest.approx(0.4)
    assert on["share_of_sales"] == pytest.approx(10 / 60)
    assert on["share_of_error"] == pytest.approx(2 / 9)
    assert (off["part"], off["series"]) == ("off", 2)
    assert off["wape"] == pytest.approx(7 / 50)
    assert off["bias"] == pytest.approx(-7 / 50)
    assert off["reference_wape"] == pytest.approx(3 / 50)


def test_the_worst_series_are_those_that_cost_most():
    result = costliest_series(rows(4), 1).row(0, named=True)
    assert result["unique_id"] == "b"
    assert result["share_of_error"] == pytest.approx(6 / 9)
    assert result["share_of_sales"] == pytest.approx(70 / 100)
    assert result["wape"] == pytest.approx(6 / 70)
    assert (result["y"], result["yhat"]) == (70.0, 64.0)
