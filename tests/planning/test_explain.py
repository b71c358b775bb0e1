"""Contributions, bridges and sentences against arithmetic by hand."""

from datetime import date
from math import exp, log

import polars as pl
import pytest

from forecasting.planning.explain import COMPONENTS, bridge, combine, split, tell

DAY = date(2026, 1, 5)
ROW = {
    "unique_id": "a", "ds": DAY, "model": "M", "yhat": 30.0, "free": 30.0, "closed": False, "additive": False,
    "level": 10.0, "trend": 0.0, "season": log(1.5), "holiday": 0.0, "price": 0.0, "promotion": log(2.0),
    "opening": 0.0,
    "without_promotion": 20.0, "without_price": 20.0, "without_other": 20.0,
}  # fmt: skip


def parts(**changes: object) -> dict[str, float]:
    return split(pl.DataFrame([ROW | changes])).row(0, named=True)


def test_a_product_is_divided_by_the_logarithmic_mean():
    """10 * 1.5 * 2 = 30: the logarithmic mean of 30 and 10 is 20 / log 3."""
    found, mean = parts(), 20 / log(3)
    assert found["level"] == 10
    assert found["season"] == pytest.approx(mean * log(1.5))
    assert found["promotion"] == pytest.approx(mean * log(2))
    assert found["rest"] == pytest.approx(0, abs=1e-12)
    assert found["model_promotion"] == 10


def test_what_the_model_forecasts_beyond_is_the_rest_and_a_cap_a_row_of_its_own():
    found = parts(free=45.0, yhat=40.0)
    assert found["rest"] == pytest.approx(15)
    assert found["limits"] == -5
    assert sum(found[c] for c in COMPONENTS) == pytest.approx(40)


@pytest.mark.parametrize(
    "changes",
    [
        {"yhat": 0.0, "free": 0.0, "closed": True},
        {"yhat": 0.0, "free": -3.0},
        {"yhat": 0.0, "free": 0.0, "level": None},
        {"level": None},
        {"without_promotion": 0.0, "without_price": 0.0, "without_other": 0.0},
        {"additive": True, "without_other": 12.0},
        {"level": 0.0},
        {"season": None},
    ],
)
def test_contributions_add_up_whatever_there_is(changes):
    found = parts(**changes)
    assert sum(found[c] for c in COMPONENTS) == pytest.approx(found["yhat"], abs=1e-9)


def test_other_plans_add_to_an_additive_model_and_multiply_others():
    """From 12 to 20: 8 units, or a factor of 5 / 3."""
    assert parts(additive=True, without_other=12.0)["other"] == 8
    expected = 10 * exp(log(1.5) + log(2) + log(20 / 12))
    assert parts(without_other=12.0)["other"] == pytest.approx((expected - 10) / log(expected / 10) * log(20 / 12))


def test_a_combination_adds_what_its_members_say_by_their_shares():
    rows = split(pl.DataFrame([ROW, ROW | {"model": "N", "yhat": 10.0, "free": 10.0, "season": 0.0, "promotion": 0.0}]))
    shares = rows.select("unique_id", "ds", "model", share=pl.Series([0.25, 0.75]))
    found = combine(rows, shares, "Both").row(0, named=True)
    assert found["yhat"] == 15
    assert found["promotion"] == pytest.approx(0.25 * 20 / log(3) * log(2))
    assert sum(found[c] for c in COMPONENTS) == pytest.approx(15)


def frame(yhat: float) -> pl.DataFrame:
    return pl.DataFrame({"unique_id": "a", "ds": DAY, "yhat": yhat})


def test_the_steps_of_a_bridge_add_up_and_what_has_not_changed_is_zero():
    steps = {"then": frame(10.0), "known ahead": frame(10.0), "data": frame(13.0), "model": frame(12.0)}
    found = bridge(frame(10.0), steps, frame(12.0)).row(0, named=True)
    assert [found[s] for s in ("known ahead", "data", "model", "published")] == [0.0, 3.0, -1.0, 0.0]


def test_what_cannot_be_made_again_goes_with_what_is_published():
    found = bridge(frame(10.0), {"data": frame(13.0), "model": frame(12.0)}, frame(12.5)).row(0, named=True)
    assert [found[s] for s in ("known ahead", "data", "model", "published")] == [0.0, 3.0, -1.0, 0.5]


def test_a_sentence_claims_no_cause():
    text = tell("a", 30.0, {"level": 10.0, "season": 8.0, "promotion": 12.0})
    assert text == "a: 30 units. The level is 10; promotions are associated with 12 more, the season with 8 more."
    assert not any(word in text for word in ("because", "cause", "due to", "leads"))
