"""Group sums of many parts, added up some at a time, are those of all rows at once."""

import datetime
from types import SimpleNamespace

import polars as pl
import pytest

from forecasting.data.aggregates import add_mean_price
from forecasting.features.group_sums import AT_ONCE
from forecasting.steps.ingestion import series_statistics

KEYS = {"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64}
SUMS = KEYS | {"price_sum": pl.Float64, "price_count": pl.Int64}
SCHEMA = KEYS | {"price": pl.Float64}
STORE = SimpleNamespace(tables={"groups": SimpleNamespace(schema=pl.Schema(SCHEMA))})


@pytest.mark.parametrize("parts", [1, AT_ONCE, 2 * AT_ONCE + 3])
def test_a_price_is_the_mean_over_all_rows_with_one_however_many_parts_there_are(parts):
    day = datetime.date(2026, 1, 5)
    numbers = range(1, parts + 1)
    priced = [0 if n % 3 == 0 else n - 1 for n in numbers]  # of n rows; a part of its own may have none
    found = [
        pl.DataFrame(
            [("total", day, 10.0 * n, n, 2.5 * k, k), ("free", day, 1.0, 1, 0.0, 0)], schema=SUMS, orient="row"
        )
        for n, k in zip(numbers, priced, strict=True)
    ]
    total = series_statistics._total(STORE, iter(found)).sort("group")
    assert total.schema == pl.Schema(SCHEMA)
    assert total.row(0) == ("free", day, float(parts), parts, None)
    assert total.row(1) == ("total", day, 10.0 * sum(numbers), sum(numbers), 2.5 if sum(priced) else None)


def test_a_part_weighs_by_its_rows_with_a_price_not_by_all_of_its_rows():
    day = datetime.date(2026, 1, 5)
    rows = [("total", day, 9.0, 90, 4.0, 1), ("total", day, 1.0, 10, 20.0, 10)]
    parts = (pl.DataFrame([row], schema=SUMS, orient="row") for row in rows)
    assert series_statistics._total(STORE, parts)["price"].item() == pytest.approx(24.0 / 11)


def test_sums_of_no_rows_have_no_rows():
    assert add_mean_price(pl.DataFrame(schema=SUMS)).schema == pl.Schema(SCHEMA)
