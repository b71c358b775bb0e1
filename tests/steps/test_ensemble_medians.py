"""The median of a combination is made of the calibrated medians of its members."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.models.ensemble import FittedEnsemble
from forecasting.models.weights import SEGMENTS, Weights
from forecasting.steps.forecasting.ensembles import combine_medians


class Member:
    """A trained model with nothing but a name."""

    def __init__(self, name: str) -> None:
        self.name = name


def trained(middle: dict[str, float]) -> list:
    """Two members and their combination, whose means weigh the same."""
    rows = [("all", 1, name, 0.5, share, "mean", "q50") for name, share in middle.items()]
    columns = ["segment", "first_step", "model", "weight", "middle", "form", "median_of"]
    by_segment = pl.DataFrame(rows, schema=columns, orient="row").cast({"first_step": pl.Int32})
    members = tuple(Member(name) for name in middle)
    both = FittedEnsemble("Both", members, Weights(by_segment, pl.DataFrame(schema=SEGMENTS)))
    return [*members, both]


def calibrated() -> pl.DataFrame:
    """Rows with bounds: each member has a median that is not its mean, and so has the combination."""
    rows = [("A", 10.0, 8.0), ("Both", 15.0, 14.5), ("B", 20.0, 17.0)]
    bounds = (11.0, 19.0, 5.0, 30.0)
    return pl.DataFrame(
        [("s", date(2024, 1, 1), yhat, model, False, 1, model, q50, *bounds) for model, yhat, q50 in rows],
        schema=["unique_id", "ds", "yhat", "source", "cold_start", "step", "model", "q50",
                "lo-80", "hi-80", "lo-95", "hi-95"], orient="row",
    )  # fmt: skip


def median(middle: dict[str, float]) -> float:
    return combine_medians(calibrated(), trained(middle), (95, 80)).filter(model="Both")["q50"].item()


def test_it_is_the_weighted_sum_of_their_medians():
    assert median({"A": 0.25, "B": 0.75}) == pytest.approx(0.25 * 8 + 0.75 * 17)


def test_who_has_all_the_weight_gives_its_own_median():
    assert median({"A": 0.0, "B": 1.0}) == 17.0


def test_it_lies_in_the_narrowest_interval():
    assert median({"A": 1.0, "B": 0.0}) == 11.0


def test_all_else_stays_as_it_was():
    rows, model = calibrated(), trained({"A": 0.25, "B": 0.75})
    changed = combine_medians(rows, model, (80, 95))
    assert_frame_equal(changed.drop("q50"), rows.drop("q50"))
    assert changed["q50"].to_list()[::2] == [8.0, 17.0]
    alone = rows.filter(model="Both")
    assert_frame_equal(combine_medians(alone, model, (80, 95)), alone)
