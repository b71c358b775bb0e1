"""Demand and volume classes against worked examples."""

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.evaluation.segments import segments


def history(**series):
    start = date(2024, 1, 1)
    parts = [
        pl.DataFrame(
            {"unique_id": name, "ds": [start + timedelta(days=i) for i in range(len(y))], "y": y}, strict=False
        ).cast({"y": pl.Float64})
        for name, y in series.items()
    ]
    return pl.concat(parts)


def test_the_worked_example_is_intermittent():
    row = segments(history(a=[0, 0, 5, 0, 3, 0, 0, 4, 0, 6])).row(0, named=True)
    assert row["adi"] == 2.5
    assert row["cv2"] == pytest.approx(0.061728, abs=1e-6)
    assert row["segment"] == "intermittent"


@pytest.mark.parametrize(
    ("y", "segment"),
    [
        ([5, 5, 4, 6], "smooth"),
        ([1, 20, 1, 1], "erratic"),
        ([0, 1, 0, 20, 0, 1], "lumpy"),
        ([0, 0, 7], "intermittent"),
        ([0, 0, 0], "none"),
        ([None, 5, None, 5, None], "smooth"),
    ],
)
def test_demand_classes(y, segment):
    assert segments(history(a=y))["segment"].to_list() == [segment]


def test_volume_classes_of_the_worked_example():
    found = segments(history(a=[500], b=[300], c=[100], d=[60], e=[40]))
    assert found["volume"].to_list() == ["A", "A", "B", "C", "C"]


def test_the_largest_series_is_always_an_a():
    assert segments(history(a=[99], b=[1]))["volume"].to_list() == ["A", "C"]
    assert segments(history(a=[7]))["volume"].to_list() == ["A"]
