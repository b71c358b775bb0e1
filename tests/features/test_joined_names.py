"""Joined names: no two lists of names become the same text, and names without a slash stay as they always were."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.features.groups import grain
from forecasting.features.joined_names import join_columns, join_labels, join_names, split_label

NAMES = st.text("ab/\\=%2F", min_size=1, max_size=5)
PAIRS = st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=40, unique=True)


@given(PAIRS)
def test_no_two_pairs_of_names_meet(pairs):
    frame = pl.DataFrame(pairs, schema={"a": pl.String, "b": pl.String}, orient="row")
    joined = frame.select(join_names(["a", "b"])).to_series()
    assert joined.n_unique() == len(pairs)
    assert join_columns(frame).to_list() == joined.to_list()


@given(PAIRS, NAMES, NAMES.map("x".__add__))
def test_a_label_is_taken_apart_again(pairs, first, second):
    frame = pl.DataFrame(pairs, schema={"a": pl.String, "b": pl.String}, orient="row")
    for columns in ({first: "a"}, {first: "a", second: "b"}):
        labels = frame.select(join_labels({name: pl.col(c) for name, c in columns.items()})).to_series()
        found = [split_label(label) for label in labels]
        assert found == [list(zip(columns, row, strict=False)) for row in frame.rows()]


@pytest.mark.parametrize(
    ("names", "joined"),
    [
        (("S1", "tea"), "S1/tea"),
        (("Mall A/B", "Coke"), "Mall A\\/B/Coke"),
        (("Mall A", "B/Coke"), "Mall A/B\\/Coke"),
        (("C:\\data", "x"), "C:\\data/x"),
        (("a\\", "x"), "a\\\\/x"),
        (("50 %", "1=2"), "50 %/1=2"),
        ((None, "x"), None),
    ],
)
def test_only_what_could_meet_is_written_in_another_way(names, joined):
    frame = pl.DataFrame([names], schema={"a": pl.String, "b": pl.String}, orient="row")
    assert join_columns(frame).to_list() == [joined]


def test_labels_with_a_slash_in_a_value_stay_as_they_were():
    frame = pl.DataFrame({"store": ["S1"], "category": ["food/drink"]})
    label = join_labels({"store": pl.col("store"), "category": pl.col("category")})
    assert frame.select(label).item() == "store=S1/category=food/drink"


def test_a_column_called_like_another_kind_of_rows_has_a_grain_of_its_own():
    assert [grain(level) for level in ((), ("total",), ("series",), ("a/b",), ("a", "b"))] == [
        "total",
        "total=",
        "series=",
        "a%2Fb",
        "a/b",
    ]
