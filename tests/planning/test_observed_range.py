"""Values of a scenario against those of the history."""

import polars as pl

from forecasting.planning.observed_range import LISTED_TEXTS, observed_values, warn_outside

HISTORY = pl.LazyFrame(
    {"price": [2.0, None, 6.0], "event": ["none", "fair", None], "empty": [None, None, None]},
    schema={"price": pl.Float64, "event": pl.String, "empty": pl.Float64},
)


def test_the_range_of_numbers_and_the_values_of_texts() -> None:
    found = observed_values(HISTORY, ["price", "event", "empty", "elsewhere"])
    assert found == {"price": (2.0, 6.0), "event": ["fair", "none"]}
    assert observed_values(HISTORY, []) == {}


def test_texts_without_end_are_cut() -> None:
    many = pl.LazyFrame({"event": [f"{i:04}" for i in range(1000)]})
    assert len(observed_values(many, ["event"])["event"]) == LISTED_TEXTS


def test_only_values_outside_are_warned_of() -> None:
    observed = observed_values(HISTORY, ["price", "event"])
    inside = pl.DataFrame({"price": [2.0, 6.0, None], "event": ["fair", "none", None]})
    assert warn_outside(inside, observed, ["price", "event"]) == []
    outside = pl.DataFrame({"price": [99.0, 1.0, 99.0], "event": ["flood", "fair", None]})
    assert warn_outside(outside, observed, ["price", "event", "price"]) == [
        "price: training saw 2 to 6, the scenario holds 1, 99.",
        "event: training never saw flood; it saw fair, none.",
    ]
    assert warn_outside(outside, observed, ["event"]) == ["event: training never saw flood; it saw fair, none."]
