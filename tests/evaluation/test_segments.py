"""Demand and volume classes against worked examples."""

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.evaluation.segments import demand_segments, planning_classes, variation_without_season


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
    row = demand_segments([history(a=[0, 0, 5, 0, 3, 0, 0, 4, 0, 6])]).row(0, named=True)
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
    assert demand_segments([history(a=y)])["segment"].to_list() == [segment]


def test_volume_classes_of_the_worked_example():
    found = demand_segments([history(a=[500], b=[300], c=[100], d=[60], e=[40])])
    assert found["volume"].to_list() == ["A", "A", "B", "C", "C"]


def test_the_largest_series_is_always_an_a():
    assert demand_segments([history(a=[99], b=[1])])["volume"].to_list() == ["A", "C"]
    assert demand_segments([history(a=[7])])["volume"].to_list() == ["A"]


def test_a_history_may_come_in_parts():
    sold = {"a": [500, 0, 2], "b": [300, 1, None], "c": [100], "d": [0, 60], "e": [40, 0, 0]}
    parts = [history(d=sold["d"]), history(a=sold["a"], e=sold["e"]), history(b=sold["b"], c=sold["c"])]
    assert demand_segments(iter(parts)).equals(demand_segments([history(**sold)]))


PHASE = pl.col("ds").dt.weekday() - 1


def test_a_season_does_not_make_demand_unsteady():
    week = [10.0, 10.0, 10.0, 10.0, 30.0, 50.0, 0.0]
    found = dict(
        variation_without_season(history(season=week * 8, none=[0.0] * 28, short=[8.0, 12.0]), PHASE).iter_rows()
    )
    assert found["season"] == pytest.approx(0.0)
    assert found["none"] is None
    assert found["short"] == pytest.approx(8**0.5 / 10)  # the sample deviation over the mean


def test_steadiness_by_hand():
    """Two weekdays, three weeks each: the means go, four degrees of freedom are left."""
    y = [None if i % 7 > 1 else (10.0, 20.0)[i % 7] + (-1.0, 0.0, 1.0)[i // 7] for i in range(21)]
    assert variation_without_season(history(a=y), PHASE)["cv"].item() == pytest.approx((4 / 4) ** 0.5 / 15)


def test_classes_of_series():
    rows = [
        ("a", 100, 9.0, 0.5, 1.0, "running"),
        ("b", 100, 0.6, 0.8, 0.4, "running"),
        ("c", 100, 0.4, 1.2, None, "running"),
        ("d", 0, None, None, None, "ended"),
    ]
    series = pl.DataFrame(rows, ["unique_id", "n", "mean", "cv", "trend", "life"], orient="row")
    assert planning_classes(series).rows() == [
        ("a", "A", "X", "mature"),
        ("b", "C", "Y", "declining"),
        ("c", "C", "Z", "mature"),
        ("d", "C", "Z", "ended"),
    ]
