"""`demandcast init`: what it writes can be run and gives the sums of the file; what it asks, refuses and keeps."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml

from flows import cli
from flows.commands import init
from forecasting.config import load
from forecasting.steps.ingest import ingest
from forecasting.steps.proposal import Request
from forecasting.steps.session import open_session

DAYS = [date(2024, 1, 1) + timedelta(n) for n in range(90)]
SALES = "date,store,units,revenue\n" + "".join(
    f"{day},{store},{10 + n % 7},{20 + n}.5\n" for n, day in enumerate(DAYS) for store in ("North", "South")
)
UNITS = 2 * sum(10 + n % 7 for n in range(90))
REVENUE = 2 * sum(20.5 + n for n in range(90))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text(SALES)
    return tmp_path


def loaded_total(file: str) -> float:
    """The sum of y in the panel after a load of the job."""
    job = load(file)
    ingest(open_session(job), None, force=False)
    panel = open_session(job).store.scan("panel").collect()
    return float(panel["y"].sum())


def test_what_is_written_can_be_loaded_and_has_the_total_of_the_file(folder: Path) -> None:
    cli.main(["init", "sales.csv", "--yes"])
    job = load("sales.yaml")
    assert job.source.columns == {"unique_id": ("store",), "ds": ("date",), "y": ("units",)}
    assert loaded_total("sales.yaml") == UNITS


def test_without_a_terminal_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["init", "sales.csv"])
    out = capsys.readouterr().out
    assert f"{UNITS:,}" in out
    assert "could also be revenue" in out
    assert [file.name for file in folder.iterdir()] == ["sales.csv"]
    text = out[out.index("\n# ") : out.index("nothing is written")]
    assert yaml.safe_load(text)["source"]["path"] == "sales.csv"


def test_a_person_changes_the_sales_and_the_horizon_and_takes_it(folder: Path) -> None:
    answers = iter(["nonsense", "source.columns.y=revenue", "h=5", ""])
    init.converse(Request(("sales.csv",)), None, lambda _: next(answers))
    job = load("sales.yaml")
    assert (job.h, (job.source.columns or {})["y"]) == (5, ("revenue",))
    assert loaded_total("sales.yaml") == REVENUE


def test_a_person_settles_what_is_in_doubt_or_leaves(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "depot.csv").write_text("day;units\n" + "".join(f"{day};1,{180 + n}\n" for n, day in enumerate(DAYS)))
    init.converse(Request(("depot.csv",)), None, lambda _: "q")
    assert "can mean 1180 or 1.18" in capsys.readouterr().out
    assert not (folder / "depot.yaml").exists()
    answers = iter(["", 'source.format="1,234.5"', ""])
    init.converse(Request(("depot.csv",)), None, lambda _: next(answers))
    assert loaded_total("depot.yaml") == sum(1180 + n for n in range(90))


def test_a_doubt_about_numbers_is_refused_although_all_is_taken(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "depot.csv").write_text("day;units\n" + "".join(f"{day};1,{180 + n}\n" for n, day in enumerate(DAYS)))
    with pytest.raises(SystemExit) as end:
        cli.main(["init", "depot.csv", "--yes"])
    assert end.value.code == 2
    assert "can mean 1180 or 1.18" in capsys.readouterr().err
    assert not (folder / "depot.yaml").exists()


def test_another_file_is_kept_and_the_same_one_is_no_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["init", "sales.csv", "--yes"])
    cli.main(["init", "sales.csv", "--yes"])
    Path("sales.yaml").write_text("name: mine\n")
    with pytest.raises(SystemExit) as end:
        cli.main(["init", "sales.csv", "--yes"])
    assert end.value.code == 2
    assert "--out sales.yaml" in capsys.readouterr().err
    assert Path("sales.yaml").read_text() == "name: mine\n"


def test_a_key_below_a_value_is_refused_and_a_list_is_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["source.path.x=1", "q"])
    init.converse(Request(("sales.csv",)), None, lambda _: next(answers))
    assert "source.path is not a section" in capsys.readouterr().out
    cli.main(["init", "sales.csv", "--yes", "--set", "models=[ladder, {stats: {class: AutoETS, most: 7}}]"])
    assert yaml.safe_load(Path("sales.yaml").read_text())["models"][1] == {"stats": {"class": "AutoETS", "most": 7}}


def test_a_day_without_hours_is_unknown_once_it_is_loaded(folder: Path) -> None:
    rows = [{"date": day, "hour": hour, "units": 5} for day in DAYS if day != DAYS[40] for hour in range(24)]
    pl.DataFrame(rows).write_csv("hours.csv")
    cli.main(["init", "hours.csv", "--yes"])
    assert loaded_total("hours.yaml") == 89 * 24 * 5
    panel = open_session(load("hours.yaml")).store.scan("panel").collect()
    assert panel.filter(pl.col("ds") == DAYS[40])["y"].to_list() == [None]


def test_a_folder_of_receipts_stores_and_prices(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    for month in (1, 2):
        lines = [
            {
                "receipt": 100 * n + k,
                "date": day,
                "store": ("S1", "S2")[k % 2],
                "product": ("tea", "milk")[k // 2 % 2],
                "qty": k,
            }
            for n, day in enumerate(DAYS)
            if day.month == month
            for k in range(8)
        ]
        pl.DataFrame(lines).write_csv(data / f"receipts-{month}.csv")
    pl.DataFrame({"store": ["S1", "S2"], "town": ["Bonn", "Kiel"]}).write_csv(data / "stores.csv")
    cli.main(["init", "data", "--yes", "--out", "shop.yaml"])
    job = load("shop.yaml")
    assert job.source.kind == "transactions"
    assert set((job.source.columns or {})["unique_id"]) == {"store", "product"}
    assert job.tables["stores"].on == {"store": "store"}
    assert job.columns.static == ("town",)
    assert loaded_total("shop.yaml") == (31 + 29) * sum(range(8))
