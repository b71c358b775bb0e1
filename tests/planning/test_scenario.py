"""Edits of a scenario: read from text, checked against the columns, and two forecasts compared."""

from datetime import date

import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.planning.scenario import check_condition, check_edits, compare_forecasts, condition, parse_changes

KINDS = {
    "unique_id": pl.String(),
    "ds": pl.Date(),
    "y": pl.Float64(),
    "price": pl.Float64(),
    "event": pl.String(),
    "store": pl.String(),
}
DAYS = (date(2024, 5, 1), date(2024, 5, 7))


@pytest.fixture(scope="module")
def config() -> Config:
    columns = {"known_ahead": ["price", "event"], "known_after": ["visits"], "static": ["store"], "price": "price"}
    return Config.model_validate({"name": "x", "source": {}, "freq": "1d", "h": 7, "columns": columns})


@pytest.mark.parametrize(
    ("text", "column", "op", "value"),
    [
        ("price*=0.9", "price", "*=", 0.9),
        (" price = 4.99 ", "price", "=", 4.99),
        ("price+=1", "price", "+=", 1.0),
        ("price -= .5", "price", "-=", 0.5),
        ("price=1e2", "price", "=", 100.0),
        ("event=Easter Monday", "event", "=", "Easter Monday"),
        ("event = 'none'", "event", "=", "none"),
    ],
)
def test_a_change_is_column_operator_and_value(config, text, column, op, value):
    assert check_edits(parse_changes([text], DAYS, "store = 'S1'"), config, KINDS) == (
        Edit(column, op, value, *DAYS, "store = 'S1'"),
    )


def test_changes_keep_their_order(config):
    made = check_edits(parse_changes(["price=5", "price*=0.5", "event=fair"], DAYS, None), config, KINDS)
    assert [(e.column, e.op, e.value) for e in made] == [
        ("price", "=", 5.0),
        ("price", "*=", 0.5),
        ("event", "=", "fair"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price", "must look like price\\*=0.9"),
        ("price/=2", "must look like"),
        ("=3", "must look like"),
        ("y=3", "y is not known ahead; a scenario may change price, event"),
        ("visits=3", "visits is not known ahead"),
        ("store='S2'", "store is not known ahead"),
        ("prcie=3", "prcie is not known ahead"),
        ("price=cheap", "cheap is not a number"),
        ("price=-1", "a price cannot be below 0"),
        ("price*=-0.5", "a price cannot be below 0"),
        ("price=nan", "nan is not a number"),
        ("price*=inf", "inf is not a number"),
        ("event*=2", "holds text, which can only be set with ="),
        ("closed=0", "series can only be closed, by closed=1; days on which they are closed anyway are opened by"),
        ("closed*=1", "series can only be closed, by closed=1"),
        ("holiday=Jubilee", "models know no holidays, as calendar.country names no country"),
        ("holiday+=1", "a holiday is named, as in holiday=Jubilee"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(config, text, message):
    with pytest.raises(UserError, match=message):
        check_edits(parse_changes([text], DAYS, None), config, KINDS)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("stroe = 'S1'", "stroe.*columns are unique_id, ds"),
        ("store =", "where 'store ='"),
        ("price + 1", "must be a condition that is true or false"),
        ("store = 5", "where 'store = 5'"),
        ("", "where ''"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(config, where, message):
    with pytest.raises(UserError, match=message):
        check_condition(where, KINDS)


def test_a_condition_is_sql_and_none_holds_everywhere():
    frame = pl.DataFrame({"store": ["S1", "S2", "S1"], "price": [1.0, 2.0, 3.0]})
    assert frame.filter(condition("store = 'S1' AND price > 1.5"))["price"].to_list() == [3.0]
    assert frame.with_columns(holds=condition(None))["holds"].to_list() == [True] * 3


def test_two_forecasts_side_by_side_join_on_keys_whatever_their_order():
    day = date(2024, 5, 1)
    plain = pl.DataFrame({"unique_id": ["b", "a"], "ds": [day, day], "yhat": [10.0, 1.0], "hi-80": [99.0, 9.0]})
    changed = pl.DataFrame({"unique_id": ["a", "b"], "ds": [day, day], "yhat": [3.0, 7.0], "hi-80": [4.0, 8.0]})
    both = compare_forecasts(plain, changed)
    assert both.columns == ["unique_id", "ds", "baseline", "yhat", "difference", "hi-80"]
    assert both.rows() == [("a", day, 1.0, 3.0, 2.0, 4.0), ("b", day, 10.0, 7.0, -3.0, 8.0)]
