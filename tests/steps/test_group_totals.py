"""Group sums of many buckets, added up some at a time, are those of all buckets at once."""

import datetime
from types import SimpleNamespace

import polars as pl
import pytest

from forecasting.steps.ingestion import series_statistics
from forecasting.steps.ingestion.series_statistics import AT_ONCE

SCHEMA = {"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64, "price": pl.Float64}


@pytest.mark.parametrize("buckets", [1, AT_ONCE, 2 * AT_ONCE + 3])
def test_a_price_is_the_mean_over_what_was_sold_with_one_however_many_buckets_there_are(buckets):
    day = datetime.date(2026, 1, 5)
    counts = range(1, buckets + 1)
    prices = [None if n % 3 == 0 else 2.0 + n for n in counts]
    parts = [
        pl.DataFrame([("total", day, 10.0 * n, n, p), ("no price", day, 1.0, 1, None)], schema=SCHEMA, orient="row")
        for n, p in zip(counts, prices, strict=True)
    ]
    table = SimpleNamespace(schema=pl.Schema(SCHEMA), empty=lambda: pl.DataFrame(schema=SCHEMA))
    total = series_statistics._total(SimpleNamespace(tables={"groups": table}), iter(parts)).sort("group")
    priced = [(n, p) for n, p in zip(counts, prices, strict=True) if p is not None]
    mean = sum(n * p for n, p in priced) / sum(n for n, _ in priced)
    assert total.schema == pl.Schema(SCHEMA)
    assert total.row(0) == ("no price", day, float(buckets), buckets, None)
    assert total.row(1) == ("total", day, 10.0 * sum(counts), sum(counts), pytest.approx(mean))
