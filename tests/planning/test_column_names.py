"""People name columns as their files do; edits and conditions then speak of the panel's columns."""

import pytest

from forecasting.config import Config
from forecasting.data.edits import format_edit, parse_edit
from forecasting.planning.column_names import condition_over_panel, edit_over_panel

CONFIG = Config(
    name="shop",
    source={"columns": {"unique_id": "item", "ds": "date", "y": "units"}},
    freq="1d",
    h=7,
    columns={"static": ["version", "order", "unit price"], "known_ahead": ["scale", "promo"]},
)


@pytest.mark.parametrize(
    ("written", "over_panel"),
    [
        ("item = 'shirt'", "\"unique_id\" = 'shirt'"),
        ("unique_id = 'item'", "unique_id = 'item'"),
        ("version = 2 AND promo > 0", '"user::version" = 2 AND promo > 0'),
        ("\"version\" = 'it''s version'", "\"user::version\" = 'it''s version'"),
        ("date >= date('2024-01-01')", "\"ds\" >= date('2024-01-01')"),
        ('"unit price" < 3 and units = 0', '"unit price" < 3 and "y" = 0'),
        ("order = 'a'", "\"order\" = 'a'"),
    ],
)
def test_a_condition_may_name_columns_as_the_file_does(written, over_panel):
    assert condition_over_panel(written, CONFIG) == over_panel


def test_an_edit_may_name_a_column_as_the_file_does():
    edit = edit_over_panel(parse_edit("scale*=2@2024-01-01:2024-01-07 where item = 'a'"), CONFIG)
    assert (edit.column, edit.where) == ("user::scale", "\"unique_id\" = 'a'")


@pytest.mark.parametrize("column", ["x=1", 'say "so"', "it's", "a b", " edge"])
def test_an_edit_of_any_column_is_read_back(column):
    text = format_edit(edit_over_panel(parse_edit("promo=1@2024-01-01:2024-01-07"), CONFIG))
    assert text == "promo=1@2024-01-01:2024-01-07"
    quoted = '"' + column.replace('"', '""') + '"=1@2024-01-01:2024-01-07'
    edit = parse_edit(quoted)
    assert edit.column == column
    assert parse_edit(format_edit(edit)) == edit
