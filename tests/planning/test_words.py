"""Series that are closed and holidays that are added: which edits reach a frame, and which a calendar."""

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.edits import CellEdit
from forecasting.data.panel import InMemory, Panel, part_of_panel
from forecasting.planning.words import added_holidays, by_holidays, warn_of_holidays, with_holidays, without_words

DAY = date(2026, 6, 19)
SCHEMA = {"unique_id": pl.String(), "price": pl.Float64()}


def cells(column: str, **values: object) -> CellEdit:
    return CellEdit.of(column, pl.DataFrame({"unique_id": list(values), "ds": DAY, "value": list(values.values())}))


def test_only_what_a_frame_has_is_edited_in_it() -> None:
    edits = (cells("price", a=2.0), cells("closed", a=1, b=1), cells("holiday", a="Jubilee"))
    price, closed = without_words(edits, SCHEMA)
    assert (price.column, price.cells["value"].to_list()) == ("price", [2.0])
    assert (closed.column, closed.cells["value"].to_list()) == ("flag", ["closed", "closed"])
    own = without_words(edits, SCHEMA | {"holiday": pl.String()})
    assert [edit.column for edit in own] == ["price", "flag", "holiday"], "a column of this name is changed as any"
    assert added_holidays(edits, SCHEMA | {"holiday": pl.String()}) == {}


def test_series_with_the_same_holidays_are_forecast_together() -> None:
    added = added_holidays([cells("holiday", a="Jubilee", c="Jubilee", d="Fair")], SCHEMA)
    groups = by_holidays(pl.Series(list("abcd")), added)
    found = [(ids.to_list(), {name for _, name in holidays}) for ids, holidays in groups]
    assert found == [(["a", "c"], {"Jubilee"}), (["d"], {"Fair"}), (["b"], set())]


def test_holidays_are_added_to_the_calendar_of_the_cut_and_of_all_series() -> None:
    config = Config.model_validate({"name": "x", "source": {}, "freq": "1d", "h": 7, "calendar": {"country": "DE"}})
    rows = pl.DataFrame({"unique_id": ["a"], "ds": [DAY], "y": [1.0], "flag": ["observed"], "y_raw": [1.0]})
    every = Panel(config, InMemory(rows), (0,), InMemory(rows))
    cut = Cut(part_of_panel(every, rows), DAY, 7)
    made = with_holidays(cut, frozenset({(DAY, "Jubilee")}))
    assert made.config.calendar.further == ((DAY, "Jubilee"),)
    assert made.panel.part_of is not None
    assert made.panel.part_of.config is made.config
    assert config.calendar.further == ()
    assert with_holidays(cut, frozenset()) is cut


def test_a_name_is_known_where_any_place_of_the_rows_knows_it() -> None:
    columns = {"static": ["land"]}
    base = {"name": "x", "source": {}, "freq": "1d", "h": 7, "columns": columns}
    config = Config.model_validate(base | {"calendar": {"country_column": "land"}})
    rows = pl.DataFrame({"land": ["DE", "US"], "holiday": ["Christmas Day", "Thanksgiving Day"]})
    assert warn_of_holidays(rows, config) == []
    (said,) = warn_of_holidays(rows.with_columns(holiday=pl.lit("Jubilee")), config)
    assert "never seen Jubilee" in said
    assert "Thanksgiving Day" in said
