"""New series of a scenario: how they are read, which columns their names tell, and how their sales are drawn."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.edits import Edit, format_edit, parse_edit
from forecasting.errors import UserError
from forecasting.features.joined_names import join_names, split_names
from forecasting.planning.new_paths import draw_new
from forecasting.planning.new_series import NewSeries, new_rows, own_values, read_new, split_new
from forecasting.planning.scenario import check_edits

DAY = date(2026, 1, 5)
SCHEMA = {"unique_id": pl.String(), "price": pl.Float64()}
COLUMNS = {"columns": {"unique_id": ["store", "item"], "ds": "day", "y": "units"}}
CONFIG = Config.model_validate(
    {"name": "x", "source": COLUMNS, "freq": "1d", "h": 7, "columns": {"known_ahead": ["price"], "static": ["region"]}}
)
SERIES = pl.DataFrame(
    [("S1/tea", "S1", "tea", "south", "hot"), ("S1/ice", "S1", "ice", "south", "cold"),
     ("S2/tea", "S2", "tea", "north", "hot")], ["unique_id", "store", "item", "region", "kind"], orient="row",
)  # fmt: skip


def edit(value: object, column: str = "new") -> Edit:
    return Edit(column, "=", value, DAY, DAY)


def test_a_line_of_a_saved_scenario_is_read_back():
    line = "new=S1/1 l milk like S1/tea@2026-01-05:2026-01-09"
    assert format_edit(parse_edit(line)) == line
    odd = edit("S1/tea 'n' like S1/tea")
    assert parse_edit(format_edit(odd)) == odd


def test_a_panel_with_a_column_of_this_name_keeps_its_meaning():
    schema = SCHEMA | {"new": pl.Int64()}
    config = CONFIG.model_copy(update={"columns": CONFIG.columns.model_copy(update={"known_ahead": ("price", "new")})})
    flag = edit(1)
    assert split_new([flag], schema) == ([], [flag])
    assert check_edits([flag], config, schema) == (flag,)
    with pytest.raises(UserError, match="comes with one that it is like"):
        check_edits([flag], CONFIG, SCHEMA)


def test_names_may_hold_the_word_that_stands_between_them():
    found = read_new(edit("milk like ours like milk like theirs"), {"milk like theirs"})
    assert (found.unique_id, found.like) == ("milk like ours", "milk like theirs")
    with pytest.raises(UserError, match="it cannot be like b, which is not known"):
        read_new(edit("a like b"), {"c"})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("S1/jam", {"item": "jam"}),
        ("S2/jam", {"store": "S2", "item": "jam", "region": "north"}),
        ("S2/ice", {"store": "S2", "item": "ice", "region": "north", "kind": "cold"}),
        ("S9/ice", {"store": "S9", "item": "ice", "kind": "cold"}),
    ],
)
def test_what_a_store_or_an_item_decides_goes_with_it(name, values):
    assert own_values(NewSeries(name, "S1/tea", DAY, DAY), SERIES, CONFIG) == values


def test_what_a_store_does_not_decide_is_that_of_the_other_series():
    mixed = SERIES.with_columns(region=pl.Series(["south", "east", "north"]))
    assert own_values(NewSeries("S2/jam", "S1/tea", DAY, DAY), mixed, CONFIG) == {"store": "S2", "item": "jam"}


def test_a_series_without_parts_has_no_columns_of_its_own():
    single = CONFIG.model_copy(update={"source": Config(name="x", source={}, freq="1d", h=7).source})
    assert own_values(NewSeries("jam", "tea", DAY, DAY), SERIES, single) == {}
    planned = pl.DataFrame({"unique_id": ["tea"], "ds": [DAY], "price": [2.0]})
    assert new_rows(NewSeries("jam", "tea", DAY, DAY), planned, {}).rows() == [("jam", DAY, 2.0)]


def test_joined_names_are_taken_apart():
    names = pl.DataFrame({"a": ["x", "1/2 l", "back\\", "a\\/b", "\\"], "b": ["y", "/", "slash", "c/d\\", "/\\/"]})
    joined = names.select(join_names(["a", "b"])).to_series()
    assert [tuple(split_names(name)) for name in joined] == names.rows()


def test_draws_of_a_new_series_have_its_quantiles_and_rise_and_fall_on_all_days_together():
    one = {"lo-95": 1.0, "lo-80": 2.0, "q50": 5.0, "hi-80": 20.0, "hi-95": 40.0}
    day = pl.DataFrame([{"unique_id": name} | one for name in "ab"])
    rows = pl.concat(
        [day, day.with_columns(pl.col(*one) * 2), day.with_columns(pl.lit(None, pl.Float64).alias(c) for c in one)]
    )
    drawn = draw_new(rows.sort("unique_id", maintain_order=True), 2000, 1)
    assert drawn.shape == (2000, 2, 3)
    shares = {"lo-95": 0.025, "lo-80": 0.1, "q50": 0.5, "hi-80": 0.9, "hi-95": 0.975}
    for bound, share in shares.items():
        assert np.quantile(drawn[:, 0, :].sum(axis=1), share) == pytest.approx(3 * one[bound], rel=0.02), bound
    assert drawn[:, :, 2].max() == 0, "a day without bounds sells nothing"
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1]) < 0.1, "each by itself"
