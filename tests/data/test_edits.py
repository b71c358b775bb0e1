"""The grammar of edits: what it reads, what it refuses, and that it reads what it writes."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.edits import CellEdit, Edit, format_edit, parse_change, parse_edit

FIRST, LAST = date(2024, 2, 5), date(2024, 2, 6)
DAYS = "2024-02-05:2024-02-06"
COLUMNS = st.from_regex(r"[A-Za-z_]\w*( \w+)?", fullmatch=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
CONDITIONS = st.none() | st.text(min_size=1).map(str.strip).filter(bool)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    op = draw(st.sampled_from(["=", "*=", "+=", "-="]))
    value = draw(NUMBERS | st.text()) if op == "=" else draw(NUMBERS)
    start, end = sorted((draw(st.dates()), draw(st.dates())))
    return Edit(draw(COLUMNS), op, value, start, end, draw(CONDITIONS))


@given(edits())
def test_what_is_written_is_read_back(edit: Edit) -> None:
    assert parse_edit(format_edit(edit)) == edit


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        (f"price*=0.9@{DAYS}", Edit("price", "*=", 0.9, FIRST, LAST)),
        (f" price = 4.99 @ {DAYS}", Edit("price", "=", 4.99, FIRST, LAST)),
        (f"promo=1@{DAYS} where store = 'S1'", Edit("promo", "=", 1.0, FIRST, LAST, "store = 'S1'")),
        (f"price-=-0.5@{DAYS}", Edit("price", "-=", -0.5, FIRST, LAST)),
        (f"price+=.5@{DAYS}", Edit("price", "+=", 0.5, FIRST, LAST)),
        (f"event=Easter: fair@{DAYS}", Edit("event", "=", "Easter: fair", FIRST, LAST)),
        (f"event=it's on@{DAYS}", Edit("event", "=", "it's on", FIRST, LAST)),
        (f"event='fair @ {DAYS} where'@{DAYS}", Edit("event", "=", f"fair @ {DAYS} where", FIRST, LAST)),
        (f'event="o\'clock"@{DAYS}', Edit("event", "=", "o'clock", FIRST, LAST)),
        (f"week=007@{DAYS}", Edit("week", "=", "007", FIRST, LAST)),
        (f"week='7'@{DAYS}", Edit("week", "=", "7", FIRST, LAST)),
        (f"state holiday=a@{DAYS}", Edit("state holiday", "=", "a", FIRST, LAST)),
    ],
)
def test_an_edit_is_one_line(text: str, edit: Edit) -> None:
    assert parse_edit(text) == edit


@pytest.mark.parametrize(
    "text",
    [
        "price",
        "price*=0.9",
        f"price*=cheap@{DAYS}",
        f"price=@{DAYS}",
        f"=3@{DAYS}",
        f"price/=2@{DAYS}",
        "price=1@2024-02-06:2024-02-05",
        "price=1@2024-02-31:2024-03-01",
        "price=1@soon:later",
        f"price*=nan@{DAYS}",
        f"price+=inf@{DAYS}",
        f"price=1@{DAYS} where",
    ],
)
def test_what_is_no_edit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_edit(text)


def test_a_change_with_its_days_and_condition_apart_is_the_same_edit() -> None:
    line = parse_edit(f"price*=0.9@{DAYS} where item = 'I2'")
    assert parse_change("price*=0.9", FIRST, LAST, "item = 'I2'") == line


def test_values_of_single_cells_are_one_edit():
    day = date(2024, 5, 1)
    rows = pl.DataFrame(
        {"unique_id": ["a", "a", "b", "b"], "ds": [day, day + timedelta(1)] * 2, "price": [1.0, 2.0, 3.0, None]}
    )
    cells = pl.DataFrame({"unique_id": ["a", "b"], "ds": [day, day + timedelta(1)], "value": [9.0, 8.0]})
    edit = CellEdit.of("price", cells)
    assert rows.with_columns(edit.expr(pl.Float64()))["price"].to_list() == [9.0, 2.0, 3.0, 8.0]
    assert rows.filter(edit.reaches())["unique_id"].to_list() == ["a", "b"]
    assert (edit.start, edit.end) == (day, day + timedelta(1))
