"""The changes of a scenario: added, edited in the table of the plan, put into words."""

from datetime import date

import pytest

from dashboard.pages.scenario.change_list import describe_edit, value_hint
from dashboard.pages.scenario.changes import add_change, apply_cell_edits, remove_change, to_edits
from forecasting.data.edits import Edit

DAY = date(2024, 2, 8)


def cell(column: str, value: object) -> dict[str, object]:
    return {"data": {"ds": str(DAY)}, "colId": column, "value": value}


@pytest.mark.parametrize(
    ("value", "edited"),
    [("2.5", 2.5), (1, 1.0), ("fair", "fair"), ("it's a 'fair' @ noon", "it's a 'fair' @ noon"), ("007", "007")],
)
def test_an_edited_cell_sets_its_column_on_its_day(value, edited):
    assert to_edits(apply_cell_edits([], [cell("event", value)])) == [Edit("event", "=", edited, DAY, DAY)]


def test_the_value_of_a_new_series_is_shown_by_the_one_that_is_selected():
    (edit,) = to_edits(add_change([], [str(DAY), str(DAY)], "new=S1/I99 like S1/tea")[0])
    assert describe_edit(edit) == "new: S1/I99 like S1/tea on 2024-02-08"
    assert value_hint("new", "S1/tea")["placeholder"] == "S1/I99 like S1/tea"
    assert value_hint("new", None)["description"] != value_hint("price", "S1/tea")["description"]


def test_an_edited_cell_replaces_the_earlier_edit_of_that_cell_only():
    others = [f"price=3@{DAY}:2024-02-09", f"price*=0.9@{DAY}:{DAY}", f"promo=1@{DAY}:{DAY}"]
    changes = apply_cell_edits([*others, f"price=2@{DAY}:{DAY}"], [cell("price", "4")])
    assert changes == [*others, f"price=4@{DAY}:{DAY}"]
    assert apply_cell_edits(changes, [cell("price", "")]) == others


def test_a_change_needs_days_and_a_value():
    assert add_change([], [str(DAY), None], "price*=0.9")[1] == "Choose the first and the last day first"
    assert add_change([], [str(DAY), str(DAY)], "price*=cheap")[1].startswith("change 'price*=cheap': cheap is not")
    assert add_change(["a"], [str(DAY), str(DAY)], "price*=0.90") == (["a", f"price*=0.9@{DAY}:{DAY}"], None)


def test_a_change_is_removed_by_its_button_and_not_by_drawing_it():
    assert remove_change(["a", "b"], [None, 1], 1) == ["a"]
    assert remove_change(["a", "b"], [None, None], 1) not in (["a"], ["a", "b"])


def test_an_edit_in_words():
    assert describe_edit(Edit("price", "*=", 0.9, DAY, DAY)) == "price: multiply by 0.9 on 2024-02-08"
    further = Edit("event", "=", "fair", DAY, date(2024, 2, 9), "store = 'S1'")
    assert describe_edit(further) == "event: set to fair from 2024-02-08 to 2024-02-09 where store = 'S1'"
