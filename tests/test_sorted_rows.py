"""Rows in the order of their key against the sort of Polars."""

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.sorted_rows import is_sorted, sort_rows

KEY = ("unique_id", "ds")
NAMES = ("b", "ä", "", "B/1", "a", "b\\/2", "10", "9")


def rows() -> pl.DataFrame:
    days = [date(1969, 12, 30) + timedelta(i) for i in range(5)]
    return pl.DataFrame([(name, ds, i) for i, name in enumerate(NAMES) for ds in days], [*KEY, "y"], orient="row")


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_of_polars_and_marked_so(seed):
    sorted_ = rows().sort(KEY)
    late = sorted_.sample(fraction=0.2, seed=seed)
    for shuffled in (sorted_.sample(fraction=1.0, shuffle=True, seed=seed), pl.concat([sorted_, late]).unique()):
        found = sort_rows(shuffled, KEY)
        assert_frame_equal(found, sorted_)
        assert found["unique_id"].flags["SORTED_ASC"]
        assert is_sorted(found, KEY)


@pytest.mark.parametrize("seed", range(3))
def test_further_columns_decide_where_series_and_day_are_the_same(seed):
    key = (*KEY, "cutoff", "model")
    every = rows().join(pl.DataFrame({"model": ["b", "a"]}), how="cross")
    every = every.join(pl.DataFrame({"cutoff": [date(2024, 1, 2), date(2024, 1, 1)]}), how="cross")
    found = sort_rows(every.sample(fraction=1.0, shuffle=True, seed=seed), key)
    assert_frame_equal(found, every.sort(key))
    assert is_sorted(found, key)


def test_a_day_in_a_file_of_its_own_comes_to_its_series():
    of = rows().sort(KEY)
    newest = pl.col("ds") == of["ds"].max()
    assert_frame_equal(sort_rows(pl.concat([of.filter(~newest), of.filter(newest)]), KEY), of)


def test_no_rows_are_sorted():
    assert sort_rows(rows().clear(), KEY).is_empty()
