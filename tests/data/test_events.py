"""Event tables, from files of every kind to days; what cannot be read is reported with its line or its key."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from forecasting import config as configs
from forecasting.config import Config
from forecasting.data import events
from forecasting.data.cut import Cut
from forecasting.errors import UserError
from forecasting.features.calendar.places import event_code
from forecasting.steps import run_step
from forecasting.steps.identity import recipe_of
from forecasting.steps.session import open_session
from tests import chain

JOB = {"name": "x", "source": {"path": "sales.csv"}, "freq": "1d", "h": 7, "columns": {"static": ["state", "city"]}}


def job(folder: Path, text: str | None = None, file: str = "events.csv", **keys: Any) -> Config:
    """A config whose calendar.events.fairs has these keys, with the text of its file."""
    if text is not None:
        (folder / file).write_text(text)
    path = folder / "job.yaml"
    table = {"path": str(folder / file)} | keys
    path.write_text(yaml.safe_dump(JOB | {"calendar": {"events": {"fairs": table}}}))
    return configs.load(path)


def read(config: Config) -> list[tuple]:
    return events.load_events(config).rows()


def span(first: date, last: date, name: str, place: str = "") -> list[tuple]:
    return [("fairs", place, first + timedelta(n), name) for n in range((last - first).days + 1)]


def test_days_with_names_and_days_without_an_event(tmp_path):
    config = job(tmp_path, "day,what\n2024-05-01,May fair\n2024-05-02,\n2024-06-03,Match\n", ds="day", name="what")
    assert read(config) == [("fairs", "", date(2024, 5, 1), "May fair"), ("fairs", "", date(2024, 6, 3), "Match")]


def test_without_a_name_all_rows_are_the_same_event(tmp_path):
    config = job(tmp_path, "day,x\n2024-05-01,1\n2024-05-01,2\n", ds="day")
    assert read(config) == [("fairs", "", date(2024, 5, 1), "fairs")]


def test_ranges_hold_all_their_days_and_places_come_from_columns(tmp_path):
    text = "von;bis;ferien;state\n22.12.2023;05.01.2024;Weihnachten;BY\n06.02.2024;09.02.2024;Winter;\n"
    keys = {"start": "von", "end": "bis", "name": "ferien", "on": "state", "ds_format": "%d.%m.%Y"}
    config = job(tmp_path, text, **keys)
    expected = span(date(2024, 2, 6), date(2024, 2, 9), "Winter")
    assert read(config) == expected + span(date(2023, 12, 22), date(2024, 1, 5), "Weihnachten", "BY")


def test_a_start_without_an_end_is_a_day_and_two_columns_make_a_place(tmp_path):
    config = job(tmp_path, "d,state,city\n2024-05-01,BY,Hof\n2024-05-02,BY,\n", start="d", on=["state", "city"])
    assert read(config) == [("fairs", "", date(2024, 5, 2), "fairs"), ("fairs", "BY/Hof", date(2024, 5, 1), "fairs")]


def test_parquet_is_read_as_it_is_typed(tmp_path):
    rows = pl.DataFrame({"d": [date(2024, 5, 1)], "who": ["A"], "state": [7]})
    rows.write_parquet(tmp_path / "events.parquet")
    config = job(tmp_path, file="events.parquet", ds="d", name="who", on="state")
    assert read(config) == [("fairs", "7", date(2024, 5, 1), "A")]


def test_the_calendar_of_a_competition_is_a_table_of_events(tmp_path, shared):
    config = job(tmp_path, file="none", ds="date", name="event_name_1")
    table = {"path": str(shared / "m5" / "calendar.csv"), "ds": "date", "name": "event_name_1"}
    config = config.model_copy(update={"calendar": config.calendar.model_validate({"events": {"fairs": table}})})
    lines = (shared / "m5" / "calendar.csv").read_text().splitlines()
    header = lines[0].split(",")
    cells = [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]
    named = [(date.fromisoformat(c["date"]), c["event_name_1"]) for c in cells if c["event_name_1"]]
    assert [(ds, name) for _, _, ds, name in read(config)] == named
    assert len(named) > 150


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        (
            "day,x\n2024-05-01,1\n",
            {"ds": "date"},
            r"job\.yaml, line \d+: calendar\.events\.fairs\.ds: .*no column 'date'",
        ),
        ("day,x\n2024-05-01,1\n", {"ds": "day", "name": "n"}, r"calendar\.events\.fairs\.name: .*no column 'n'"),
        ("day,x\n2024-05-01,1\n", {"ds": "day", "on": "state"}, r"calendar\.events\.fairs\.on: .*no column 'state'"),
        ("day,x\n2024-05-01,1\nsoon,2\n", {"ds": "day"}, r"events\.csv, line 3: day is 'soon', not a date"),
        ("day,n\n2024-05-01,A\n,B\n", {"ds": "day", "name": "n"}, r"events\.csv, line 3: day is (''|None), not a date"),
        (
            "a,b\n2024-05-09,2024-05-01\n",
            {"start": "a", "end": "b"},
            r"line 2: fairs lasts from 2024-05-09 to 2024-05-01",
        ),
        ("a,b\n2024-05-09,3024-05-01\n", {"start": "a", "end": "b"}, r"line 2: fairs lasts from 2024-05-09 to 3024"),
        ("a,b\n2024-05-09\n2024-05-10,2\n2024-05-11,3\n", {"ds": "a"}, r"line 2: has not as many cells as the header"),
        (
            "d,x\n01/02/2024,1\n03/04/2024,2\n",
            {"ds": "d"},
            r"calendar\.events\.fairs\.ds_format: dates like .* can mean",
        ),
        (None, {"ds": "day"}, r"calendar\.events\.fairs\.path: there is no file or folder"),
    ],
)
def test_a_cell_that_cannot_be_read_is_reported(tmp_path, text, keys, message):
    config = job(tmp_path, text, **keys)
    with pytest.raises(UserError, match=message):
        events.load_events(config)


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        ({"events": {"fairs": {"path": "a"}}}, r"calendar\.events\.fairs: name the column of the date"),
        ({"events": {"fairs": {"path": "a", "ds": "d", "start": "e"}}}, r"name the column of the date: either ds"),
        ({"events": {"fairs": {"path": "a", "ds": "d", "end": "e"}}}, r"calendar\.events\.fairs\.end: has no start"),
        ({"events": {"fairs": {"path": "a", "ds": "d", "on": "q"}}}, r"fairs\.on: q is not in columns\.static"),
        ({"events": {"fairs": {"path": "a", "ds": "d", "nam": "q"}}}, r"fairs\.nam: is not a key .* mean `name`"),
        ({"country_column": "land"}, r"calendar\.country_column: land is not in columns\.static"),
        ({"region_column": "state"}, r"calendar: a region needs its country"),
        ({"paydays": [15, 0]}, r"calendar\.paydays\.1: 0 is not a day of the month"),
        ({"paydays": [32]}, r"calendar\.paydays\.0: 32 is not a day of the month"),
        ({"paydays_move": "after"}, r"calendar\.paydays_move: must be 'before' or 'never'"),
    ],
)
def test_keys_that_cannot_work_are_refused(tmp_path, calendar, message):
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(JOB | {"calendar": calendar}))
    with pytest.raises(UserError, match=message):
        configs.load(path)


# from the files to the models ------------------------------------------------------------------------------------


def fairs(last: date) -> str:
    rows = [(chain.LAST - timedelta(9), "summer"), (last, "winter")]
    return "day,fair,store\n" + "".join(f"{day},{name},S1\n" for day, name in rows)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> chain.Job:
    """The chain's sales with a table of fairs of one store, loaded."""
    file = tmp_path_factory.mktemp("fairs") / "fairs.csv"
    file.write_text(fairs(chain.LAST + timedelta(20)))
    keys = {"path": str(file), "ds": "day", "name": "fair", "on": "store"}
    made = chain.make(models=["ladder"], calendar={"country": "DE", "events": {"fairs": keys}})
    made.run(["ingest"])
    return made


def test_events_stand_in_their_table_and_a_panel_knows_them(loaded):
    config = loaded.config()
    panel = open_session(config).panel
    assert panel.events().select("place", "name").collect().rows() == [("S1", "summer"), ("S1", "winter")]
    rows = Cut(panel, chain.LAST - timedelta(chain.H), chain.H).frame(0).sort("ds")
    seen = rows.group_by("store", maintain_order=True).agg(pl.col("event_fairs_today", "event_fairs_next").last())
    assert dict(seen.select("store", "event_fairs_next").rows()) == {"S1": 20, "S2": 30}
    today = rows.filter(pl.col("event_fairs_today") > 0)
    assert set(today.select("store", "ds", "event_fairs_today").rows()) == {
        ("S1", chain.LAST - timedelta(9), event_code("summer"))
    }


def test_the_same_table_once_more_changes_nothing_and_another_one_is_seen(loaded):
    mine = loaded.copy()
    config = mine.config()
    before = chain.versions(mine)
    assert run_step("ingest", config).reused
    assert chain.versions(mine) == before
    file = Path(config.calendar.events["fairs"].path)
    file.write_text(fairs(chain.LAST + timedelta(3)))
    mine.run(["ingest"])
    assert mine.table("events")["ds"].max() == chain.LAST + timedelta(3)


def test_where_the_file_of_events_lies_is_no_part_of_the_recipe(loaded):
    """Next year's file is no other recipe; another column of the name is."""
    recipes = [
        recipe_of(loaded.config(calendar__events__fairs__path=path, calendar__events__fairs__name=name))
        for path, name in (("a.csv", "fair"), ("b.csv", "fair"), ("a.csv", "what"))
    ]
    assert recipes[0] == recipes[1] != recipes[2]


def test_an_unknown_country_is_reported_whatever_the_models(loaded):
    for step in ("ingest", "backtest"):
        with pytest.raises(UserError, match=r"calendar\.country: XX: .*use ISO codes"):
            loaded.run([step], calendar__country="XX")


def test_an_unknown_region_is_reported_with_its_column(loaded):
    with pytest.raises(UserError, match=r"calendar\.region_column: DE S\d \(from the column store\)"):
        loaded.run(["ingest"], calendar__region_column="store")
