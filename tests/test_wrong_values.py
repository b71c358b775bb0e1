"""A slip among the sales neither stops the first forecast nor makes it, and is named with series, day and value."""

from typing import Any

import polars as pl
import pytest

from tests.test_review_odd_data import days, lean

SLIP, AT = 1_000_000.0, 160


def sales(at: int = AT) -> pl.DataFrame:
    """170 days of two shops that sell 50 to 56 a day; one cell is a million."""
    rows = [
        {"shop": shop, "ds": day, "y": SLIP if (shop, i) == ("b", at) else 50.0 + (3 * i + k) % 7}
        for k, shop in enumerate("ab")
        for i, day in enumerate(days(170))
    ]
    return pl.DataFrame(rows)


def job(rows: pl.DataFrame, h: int = 7, **clean: Any):
    made = lean(rows, h=h, clean=clean, models=["ladder"])
    return made, made.run(["ingest", "backtest", "train", "predict"])


def served(made, outcomes) -> pl.DataFrame:
    """The champion's forecasts of the two shops."""
    champion = outcomes[2].facts["champion"]
    return made.table("forecasts").filter(pl.col("model") == champion, pl.col("grain") == "series")


@pytest.mark.parametrize("at", [3, AT, 169])
def test_a_slip_is_named_and_forecasts_are_as_usual(at):
    made, outcomes = job(sales(at))
    (remark,) = outcomes[0].facts["remarks"]
    for words in ("b on " + str(days(170)[at]), "1,000,000", "17,857 times", "clean.outliers.action"):
        assert words in remark["message"], remark
    assert served(made, outcomes)["yhat"].is_between(50, 56).all()
    row = made.table("panel").filter(unique_id="b", ds=days(170)[at]).row(0, named=True)
    assert (row["y_raw"], row["y"], row["flag"]) == (SLIP, None, "far_out")


def test_a_job_that_keeps_it_has_a_first_forecast_with_a_warning():
    """The slip lies in the last two horizons, and before the four weeks from which the naive models forecast."""
    made, outcomes = job(sales(120), h=28, outliers={"rule": "none"})
    assert "kept as they are" in outcomes[0].facts["remarks"][0]["message"]
    assert served(made, outcomes)["yhat"].max() < 60
    assert outcomes[2].facts["promoted"]
    assert "look for wrong values among the recent sales" in outcomes[2].facts["reason"]
