"""Past windows are answered anew by the weights of today; everything else stays as it was."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.models.ensemble import FittedEnsemble, Weights
from forecasting.steps.recombined import recombined


class Member:
    """A model of which only the name is asked."""

    def __init__(self, name: str) -> None:
        self.name = name


def combination(weights: dict[str, float], middle: dict[str, float]) -> FittedEnsemble:
    columns = {"segment": ["all"] * len(weights), "model": list(weights)}
    columns |= {"weight": list(weights.values()), "middle": list(middle.values())}
    homes = pl.DataFrame(schema={"unique_id": pl.String, "segment": pl.String})
    return FittedEnsemble("Both", tuple(Member(name) for name in weights), Weights(pl.DataFrame(columns), homes))


def past() -> pl.DataFrame:
    """Two windows that overlap, in which both members weighed the same."""
    rows = []
    for window, ds in ((1, 3), (2, 3)):
        for grain, size in (("series", 1.0), ("total", 10.0)):
            for model, yhat, scale in (("A", 2.0 * window, 1.0), ("B", 6.0 * window, 3.0), ("Both", 4.0 * window, 2.0)):
                rows.append(("a", date(2024, 1, ds), date(2024, 1, window), model, grain, yhat * size, None, scale))
    columns = ["unique_id", "ds", "cutoff", "model", "grain", "yhat", "q50", "scale"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("q50").cast(pl.Float64))


def test_each_window_is_answered_by_todays_weights():
    made = recombined(past(), [combination({"A": 0.75, "B": 0.25}, {"A": 1.0, "B": 0.0})])
    mine = made.filter(model="Both", grain="series").sort("cutoff")
    assert mine["yhat"].to_list() == pytest.approx([0.75 * 2 + 0.25 * 6, 0.75 * 4 + 0.25 * 12])
    assert mine["q50"].to_list() == pytest.approx([2.0, 4.0])
    assert mine["scale"].to_list() == pytest.approx([0.75 * 1 + 0.25 * 3] * 2)


def test_members_and_aggregates_stay_as_they_were():
    rows = past()
    made = recombined(rows, [combination({"A": 0.75, "B": 0.25}, {"A": 1.0, "B": 0.0}), Member("A")])
    others = (pl.col("model") != "Both") | (pl.col("grain") != "series")
    assert made.columns == rows.columns
    assert_frame_equal(made.filter(others), rows.filter(others))


def test_without_rows_of_members_nothing_changes():
    alone = past().filter(model="Both")
    assert_frame_equal(recombined(alone, [combination({"A": 1.0}, {"A": 1.0})]), alone)
