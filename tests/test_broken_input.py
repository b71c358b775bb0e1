"""What users do wrong, or their files: one sentence or quarantine rows, never a crash and never a silent loss."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.sample import write
from forecasting.config import load
from forecasting.errors import UserError
from forecasting.planning.scenario import check_edits, parse_changes
from forecasting.services.tracking.registry import Registry
from forecasting.steps import run_step
from forecasting.steps.export import export_table
from forecasting.steps.registry import Outcome
from forecasting.steps.session import open_session

START = date(2024, 1, 1)


def days(n: int, step: int = 1, start: date = START) -> list[date]:
    return [start + timedelta(i * step) for i in range(n)]


def table(dates: list[Any], sold: list[Any] | None = None, separator: str = ",") -> str:
    sold = sold or [10 + i % 7 for i in range(len(dates))]
    rows = [f"{d}{separator}{y}\n" for d, y in zip(dates, sold, strict=True)]
    return f"ds{separator}y\n{''.join(rows)}"


def shops(*names: str, n: int = 30, column: str = "unique_id") -> str:
    return f"{column},ds,y\n" + "".join(f"{s},{d},{i}\n" for s in names for i, d in enumerate(days(n)))


def run(text: str | None, *steps: str, root: str = "lake", **keys: Any) -> list[Outcome]:
    """Run the steps (default: ingest) in this folder; None goes on with the data that are loaded."""
    if text is not None:
        Path("sales.csv").write_text(text, encoding="utf-8")
    return [run_step(step, job(root, **keys)) for step in steps or ("ingest",)]


def job(root: str = "lake", **keys: Any) -> Any:
    told: dict[str, Any] = {"name": "job", "freq": "1d", "h": 7, "models": ["ladder"], "store": {"root": root}}
    told |= {"tracking": {"uri": "sqlite:///mlflow.db", "artifacts": "artifacts"}} | keys
    told["source"] = {"path": "sales.csv"} | keys.get("source", {})
    Path("job.yaml").write_text(yaml.safe_dump(told))
    return load("job.yaml")


def panel(root: str = "lake") -> pl.DataFrame:
    return open_session(job(root)).store.scan("panel").collect()


@pytest.mark.parametrize(
    ("dates", "freq", "meant"),
    [
        (days(30, 7), "1d", "freq: 1w"),
        ([date(2020 + i // 12, i % 12 + 1, 1) for i in range(30)], "1d", "freq: 1mo"),
        ([date(2020 + i // 12, i % 12 + 1, 28) for i in range(30)], "1w", "freq: 1mo"),
        ([d - timedelta(1) for d in (date(2020 + i // 12, i % 12 + 1, 1) for i in range(30))], "1d", "freq: 1mo"),
        ([date(2010 + i // 4, i % 4 * 3 + 1, 1) for i in range(30)], "1mo", "freq: 1q"),
        ([date(1990 + i, 12, 31) for i in range(20)], "1q", "freq: 1y"),
        (days(60, 3), "1w", r"off_grid .*\(is freq right"),
        (days(60, 3), "1mo", r"several_in_period 60 times.*\(is freq right.*kind: transactions"),
        (days(60, 7), "1mo", r"several_in_period 60 times.*\(is freq right"),
    ],
)
def test_a_wrong_frequency_is_told(dates, freq, meant):
    with pytest.raises(UserError, match=meant):
        run(table(dates), freq=freq, h=2)


def test_few_dates_tell_no_rhythm():
    assert run(table(days(6, 7)))[0].facts["aggregated"] == 6


def test_hours_of_a_day_are_added_up():
    """Equal sales at 6:00 and at 12:00 were both sold."""
    facts = run(table([f"{d} {hour:02d}:00" for d in days(30) for hour in (6, 12)], [3] * 60))[0].facts
    assert (facts["lines"], facts["aggregated"], facts["duplicates"]) == (60, 60, 0)
    assert panel()["y"].to_list() == [6.0] * 30


def test_single_sales_of_a_day_are_no_repeats_of_one_row():
    cells = [f"{d} 09:{minute:02d}" for d in days(30) for minute in (1, 13, 58)]
    with pytest.raises(UserError, match=r"several_in_period 90 times.*kind: transactions"):
        run(table(cells, [3] * 90))


def test_one_time_of_day_per_day_is_a_date():
    assert run(table([f"{d} 23:59" for d in days(30)]))[0].facts["aggregated"] == 30


def test_a_line_twice_is_still_a_repeat():
    facts = run(shops("a", "b") + f"a,{START},0\n")[0].facts
    assert (facts["aggregated"], facts["duplicates"], facts["quarantined"]) == (60, 1, 0)


def test_points_that_part_thousands():
    run(table(days(30), ["1.200" if i % 2 else "950" for i in range(30)], ";"))
    assert set(panel()["y"]) == {950.0, 1200.0}


def test_points_of_decimals_stay():
    run(table(days(30), ["1.25" if i % 2 else "0.500" for i in range(30)], ";"))
    assert set(panel()["y"]) == {0.5, 1.25}


def test_points_that_can_mean_both_are_refused():
    with pytest.raises(UserError, match=r"'1\.200' \(.*line 2\) in the column 'y' can mean 1200 or 1\.2: say which"):
        run(table(days(30), ["1.200"] * 30, ";"))


def test_text_where_dates_should_be_is_cited():
    with pytest.raises(UserError, match="it holds 'Yours sincerely'"):
        run("Hello, world\n" + "Yours sincerely, me\n" * 9)


@pytest.mark.parametrize("name", ["total", "kind=x"])
def test_a_series_with_the_name_of_an_aggregate(name):
    rows = f"unique_id,ds,y,kind\n{''.join(f'{name},{d},1,x' + chr(10) for d in days(30))}"
    with pytest.raises(UserError, match=f"a series is called '{name}'"):
        run(rows, columns={"static": ["kind"]}, levels_of_aggregation=[[], ["kind"]])


def test_another_frequency_does_not_enter_the_same_tables():
    run(table(days(100)))
    for steps in (("ingest",), ("backtest",)):
        with pytest.raises(UserError, match="was loaded with freq 1d"):
            run(table(days(20, 7)), *steps, freq="1w", h=2)
    assert panel().height == 100


def test_other_names_of_series_do_not_enter_the_same_tables():
    one, two = ({"columns": {"unique_id": ids, "ds": "ds", "y": "y"}} for ids in (["shop"], ["shop", "item"]))
    run(shops("a", "b", column="shop"), source=one)
    with pytest.raises(UserError, match=r"source\.columns\.unique_id: the store holds series such as 'a'"):
        run(shops("a,x", column="shop,item"), source=two)
    renamed = {"columns": {"unique_id": ["store"], "ds": "ds", "y": "y"}}
    assert run(shops("a", "b", n=31, column="store"), source=renamed)[0].facts["series"] == 2


def test_a_rule_of_text_for_a_column_of_numbers():
    priced = {"columns": {"known_ahead": ["price"]}, "future": {"price": "=cheap"}}
    rows = "ds,y,price\n" + "".join(f"{d},1,2.5\n" for d in days(60))
    with pytest.raises(UserError, match=r"future\.price: price holds numbers, and '=cheap' is a text"):
        run(rows, "ingest", "backtest", **priced)


def test_nothing_sold_at_all_still_runs():
    outcomes = run(table(days(60), [0] * 60), "ingest", "backtest", "train", "predict")
    assert {s["wape"] for s in outcomes[1].facts["scores"]} == {None}
    told = open_session(job()).store.scan("forecasts").collect()
    assert told["yhat"].to_list() == [0.0] * told.height


def test_a_sale_dated_ahead_is_no_sale_yet():
    ahead = table([*days(60), date(2090, 1, 1)])
    with pytest.raises(UserError, match="in_the_future 1 times"):
        run(ahead, limits={"quarantined": 0})
    outcomes = run(ahead, "ingest", "backtest")  # one slip does not stop the first forecast
    assert any("2090-01-01" in remark["message"] for remark in outcomes[0].facts["remarks"])
    assert panel()["ds"].max() == days(60)[-1]


@pytest.mark.parametrize(("column", "value"), [("open", 0), ("stock", 0)])
def test_a_shop_that_never_opened(column, value):
    role = {"open": {"known_ahead": ["open"], "open": "open"}, "stock": {"known_after": ["stock"], "stock": "stock"}}
    rows = f"ds,y,{column}\n" + "".join(f"{d},0,{value}\n" for d in days(60))
    with pytest.raises(UserError, match="every row is closed, out of stock"):
        run(rows, "ingest", "backtest", columns=role[column])


def test_tables_in_a_folder_with_a_space_and_an_umlaut():
    root = "my shops/Köln/lake"
    run(table(days(60)), "ingest", "backtest", "train", "predict", root=root)
    run(table(days(61), [7] * 61), root=root)
    assert set(panel(root)["y"]) == {7.0}


@pytest.mark.parametrize("root", ["sales.csv", "/proc/nowhere", "gs2://bucket/lake"])
def test_tables_that_cannot_be_written(root):
    with pytest.raises(UserError, match=r"store\.root must be a folder that you may write to"):
        run(table(days(60)), root=root)


@pytest.mark.parametrize("uri", ["sqlite:////proc/nowhere/x.db", "sqlite:///sales.csv"])
def test_a_registry_that_cannot_be_opened(uri):
    Path("sales.csv").write_text("no database\n" * 200)
    with pytest.raises(UserError, match=r"tracking\.uri .* cannot be opened"):
        Registry(uri, "artifacts", "job").set_alias("champion", 1)


def test_an_export_that_cannot_be_written():
    run(table([*days(200), "2024-02-31"]))
    with pytest.raises(UserError, match=r"out /proc/x\.csv: cannot be written"):
        export_table(open_session(job()), "quarantine", Path("/proc/x.csv"))


@pytest.mark.parametrize("place", ["sales.csv", "/proc/nowhere"])
def test_a_sample_that_cannot_be_written(place):
    Path("sales.csv").touch()
    with pytest.raises(UserError, match=f"out {place}: cannot be written"):
        write(Path(place), stores=1, items=1, days=30, seed=1)


@pytest.mark.parametrize("change", ["price=-5", "price*=-1"])
def test_a_scenario_with_a_price_below_nothing(change):
    config = job(columns={"known_ahead": ["price"], "price": "price"})
    with pytest.raises(UserError, match="a price cannot be below 0"):
        check_edits(parse_changes([change], (START, START)), config, {"price": pl.Float64()})
