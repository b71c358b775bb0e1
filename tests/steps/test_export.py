"""Export: the rows of a table in three formats, none of which runs what came in a file."""

import csv
from datetime import date

import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.schemas import EXPORTS
from forecasting.errors import UserError
from forecasting.steps.export import escape_formulas, export_table, write_file
from forecasting.steps.session import open_session
from tests.dashboard import fake_store as fake

Job = tuple[Config, dict[str, pl.DataFrame]]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    config = fake.config_in(tmp_path_factory.mktemp("job"))
    return config, fake.fill(config)


@pytest.mark.parametrize("table", [table for table in EXPORTS if table != "sums"])
@pytest.mark.parametrize("ending", [".parquet", ".csv", ".xlsx"])
def test_every_table_in_every_format(job, tmp_path, table, ending):
    config, frames = job
    out = tmp_path / "new folder" / f"rows{ending}"
    written = export_table(open_session(config), table, out)
    rows = frames[table].filter(pl.col("version") == 2) if table == "forecasts" else frames[table]
    assert written == rows.height
    readers = {
        ".parquet": pl.read_parquet,
        ".csv": lambda p: pl.read_csv(p, infer_schema_length=None),
        ".xlsx": lambda p: pl.read_excel(p, sheet_name="data"),
    }
    back = readers[ending](out)
    more = ["periods", "life", "verdict", "volume", "xyz", "lifecycle"] if table == "series" else []
    assert (back.height, back.columns) == (rows.height, rows.columns + more)
    numbers = {"forecasts": "yhat", "backtests": "yhat", "scores": "value", "quarantine": "line", "series": "n"}
    number = (numbers | {"levers": "estimate", "realised": "value", "alerts": "seen"})[table]
    assert back[number].sum() == pytest.approx(rows[number].sum())


def test_a_vintage_is_chosen_by_its_cutoff(job, tmp_path):
    config, _ = job
    cutoff, version = fake.VINTAGES[0]
    export_table(open_session(config), "forecasts", tmp_path / "f.parquet", cutoff)
    back = pl.read_parquet(tmp_path / "f.parquet")
    assert (back["version"].unique().to_list(), back["cutoff"].unique().to_list()) == ([version], [cutoff])


def test_the_sheet_about_says_what_it_is(job, tmp_path):
    export_table(open_session(job[0]), "forecasts", tmp_path / "f.xlsx")
    about = dict(pl.read_excel(tmp_path / "f.xlsx", sheet_name="about").iter_rows())
    assert about["job"] == "corner"
    assert about["cutoffs"] == str(fake.LAST)
    assert about["models"] == "LightGBM, SeasonalNaive"
    assert about["rows"] == "700"


def test_rows_of_no_registered_export_are_described_too(job, tmp_path):
    write_file(job[0], "scenario", pl.DataFrame({"y": [1.0]}), tmp_path / "f.xlsx")
    about = dict(pl.read_excel(tmp_path / "f.xlsx", sheet_name="about").iter_rows())
    assert (about["table"], about["frequency"]) == ("scenario", "one row per day")


def test_a_formula_in_a_cell_stays_a_text(job, tmp_path):
    export_table(open_session(job[0]), "quarantine", tmp_path / "q.csv")
    with (tmp_path / "q.csv").open(newline="") as file:
        values = [row["value"] for row in csv.DictReader(file)]
    assert values == ["twelve", "'=1+1", "'-1"]
    export_table(open_session(job[0]), "quarantine", tmp_path / "q.xlsx")
    assert pl.read_excel(tmp_path / "q.xlsx", sheet_name="data")["value"].to_list() == ["twelve", "=1+1", "-1"]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert escape_formulas(pl.DataFrame({"a": [text], "b": [-1.0]})).rows() == [("'" + text, -1.0)]


def test_harmless_texts_and_nulls_stay():
    rows = pl.DataFrame({"a": ["S1/tea", "a=b", "", None]})
    assert escape_formulas(rows).equals(rows)


@pytest.mark.parametrize(
    ("table", "name", "expected"),
    [
        ("forecast", "a.csv", "choose one of .*forecasts"),
        ("forecasts", "a.json", r"\.parquet, \.csv, \.xlsx"),
        ("forecasts", "a.csv", "the step predict has to run first"),
        ("quarantine", "a.csv", "nothing to write"),
    ],
)
def test_mistakes_get_a_sentence(tmp_path, table, name, expected):
    with pytest.raises(UserError, match=expected):
        export_table(open_session(fake.config_in(tmp_path)), table, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_cutoff_without_a_vintage_is_named(job, tmp_path):
    with pytest.raises(UserError, match="1999-01-01"):
        export_table(open_session(job[0]), "forecasts", tmp_path / "a.csv", date(1999, 1, 1))


def test_series_are_exported_with_what_follows_for_the_models(job, tmp_path):
    export_table(open_session(job[0]), "series", tmp_path / "series.parquet")
    series = pl.read_parquet(tmp_path / "series.parquet")
    assert series["verdict"].null_count() == 0
    assert set(series["life"]) <= {"running", "new", "silent", "ended"}
