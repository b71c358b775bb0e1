"""Rossmann and M5: totals against independent readers of the raw files, and the drivers of single days."""

import csv
import gzip
from collections import Counter
from datetime import date

import polars as pl
import pytest

from forecasting.config import load as load_config
from forecasting.data import sources
from forecasting.errors import UserError

# --- Rossmann --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rossmann(configs, shared):
    return sources.load(load_config(configs / "rossmann.yaml", {"source.path": str(shared / "rossmann")}))


@pytest.fixture(scope="module")
def train(shared):
    with gzip.open(shared / "rossmann" / "train.csv.gz", "rt", newline="") as f:
        return list(csv.DictReader(f))


def test_rossmann_totals(rossmann, train):
    long = rossmann.long
    assert rossmann.lines == long.height == len(train) == 1_017_209
    for ours, theirs in {"y": "Sales", "customers": "Customers", "open": "Open", "promo": "Promo"}.items():
        assert long[ours].sum() == sum(int(r[theirs]) for r in train)
    assert long["school_holiday"].sum() == sum(r["SchoolHoliday"] == "1" for r in train)
    named = {"0": "none", "a": "public", "b": "easter", "c": "christmas"}
    holidays = Counter(named[r["StateHoliday"]] for r in train)
    assert dict(long["state_holiday"].value_counts().iter_rows()) == holidays
    assert long.filter(pl.col("open") == 0).height == 172_817
    assert long["fault"].null_count() == long.height


def test_rossmann_rows_and_lines(rossmann, train):
    for number in (0, 500_000, len(train) - 1):
        row, raw = rossmann.long.row(number, named=True), train[number]
        assert row["line"] == number + 2
        assert (row["unique_id"], str(row["ds"]), row["y"]) == (raw["Store"], raw["Date"], float(raw["Sales"]))
    original = rossmann.original_rows(rossmann.long.slice(500_000, 1))["row"].item()
    assert original.split(",")[:4] == [train[500_000][c] for c in ("Store", "DayOfWeek", "Date", "Sales")]


def test_rossmann_drivers_of_the_stores(rossmann, shared):
    with (shared / "rossmann" / "store.csv").open(newline="") as f:
        stores = {r["Store"]: r for r in csv.DictReader(f)}
    sample = rossmann.long.sample(400, seed=1).iter_rows(named=True)
    for row in sample:
        store, ds = stores[row["unique_id"]], row["ds"]
        assert (row["store_type"], row["assortment"]) == (store["StoreType"], store["Assortment"])
        assert row["competition_distance"] == (
            float(store["CompetitionDistance"]) if store["CompetitionDistance"] else None
        )
        assert row["promo2"] == promo2(store, ds)
        assert row["competition_open"] == months_of_competition(store, ds)


def promo2(store, ds):
    if store["Promo2"] == "0":
        return 0
    start = date.fromisocalendar(int(store["Promo2SinceYear"]), int(store["Promo2SinceWeek"]), 1)
    return int(ds >= start and ds.strftime("%b") in [m[:3] for m in store["PromoInterval"].split(",")])


def months_of_competition(store, ds):
    if not store["CompetitionOpenSinceYear"]:
        return None
    year, month = int(store["CompetitionOpenSinceYear"]), int(store["CompetitionOpenSinceMonth"])
    return max(0, (ds.year - year) * 12 + ds.month - month)


TRAIN = "Store,DayOfWeek,Date,Sales,Customers,Open,Promo,StateHoliday,SchoolHoliday\n"
STORE = (
    "Store,StoreType,Assortment,CompetitionDistance,CompetitionOpenSinceMonth,CompetitionOpenSinceYear,"
    "Promo2,Promo2SinceWeek,Promo2SinceYear,PromoInterval\n"
    '1,a,c,10,9,2014,1,40,2014,"Jan,Apr,Jul,Oct"\n2,b,a,,,,0,,,""\n'
)


@pytest.fixture
def small_rossmann(tmp_path, configs):
    (tmp_path / "train.csv").write_text(
        TRAIN + '1,3,2015-04-01,50,5,1,1,"0",0\n2,3,2015-04-01,0,0,0,0,"b",1\n2,2,2015-03-31,x,0,0,0,"0",1\n'
    )
    (tmp_path / "store.csv").write_text(STORE)
    return load_config(configs / "rossmann.yaml", {"source.path": str(tmp_path)})


def test_rossmann_future_days(small_rossmann, tmp_path):
    (tmp_path / "test.csv").write_text(
        "Id,Store,DayOfWeek,Date,Open,Promo,StateHoliday,SchoolHoliday\n1,1,4,2015-04-02,1,0,0,0\n"
    )
    long = sources.load(small_rossmann).long
    ahead = long.filter(pl.col("ds") == date(2015, 4, 2)).row(0, named=True)
    assert (ahead["y"], ahead["customers"], ahead["open"], ahead["promo2"]) == (None, None, 1, 1)
    assert long.filter(pl.col("unique_id") == "2")["promo2"].to_list() == [0, 0]
    assert long["fault_value"].drop_nulls().to_list() == ["Sales=x"]


def test_rossmann_faults(small_rossmann, tmp_path):
    (tmp_path / "store.csv").write_text(STORE.replace("1,a,c,10,", "1,a,c,far,"))
    with pytest.raises(UserError, match=r"store\.csv, line 2: CompetitionDistance is 'far', not a number"):
        sources.load(small_rossmann)
    (tmp_path / "store.csv").write_text(STORE + STORE.splitlines()[-1] + "\n")
    with pytest.raises(UserError, match=r"store\.csv, line 4: Store 2 comes twice"):
        sources.load(small_rossmann)
    (tmp_path / "store.csv").unlink()
    with pytest.raises(UserError, match=r"holds neither store\.csv nor store\.csv\.gz"):
        sources.load(small_rossmann)
    (tmp_path / "train.csv").write_text(TRAIN.replace("Open,", "") + "1,3,2015-04-01,50,5,1,0,0\n")
    with pytest.raises(UserError, match=r"train\.csv: has no column 'Open'"):
        sources.load(small_rossmann)


# --- M5 --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def m5(configs, shared):
    return sources.load(load_config(configs / "m5.yaml", {"source.path": str(shared / "m5")}))


@pytest.fixture(scope="module")
def wide(shared):
    with gzip.open(shared / "m5" / "sales_train_evaluation.csv.gz", "rt", newline="") as f:
        rows = list(csv.DictReader(f))
    return {r["id"]: [int(r[f"d_{d}"]) for d in range(1, 1942)] for r in rows}


@pytest.fixture(scope="module")
def days(shared):
    with (shared / "m5" / "calendar.csv").open(newline="") as f:
        return list(csv.DictReader(f))


def test_m5_totals_and_account(m5, wide, days):
    zeros = sum(next(i for i, v in enumerate(row) if v) for row in wide.values())
    ahead = len(wide) * (len(days) - 1941)
    assert m5.long["y"].sum() == sum(map(sum, wide.values()))
    assert dict(m5.dropped) == {"not_yet_sold": zeros}
    assert m5.long.height == len(wide) * 1941 - zeros + ahead
    assert m5.lines == len(wide) * len(days)
    assert m5.long["y"].null_count() == ahead == 280 * 28


def test_m5_one_series(m5, wide, days, shared):
    row = wide["FOODS_1_033_CA_1_evaluation"]
    first = next(i for i, v in enumerate(row) if v)
    ours = m5.long.filter(pl.col("unique_id") == "CA_1/FOODS_1_033")
    assert ours["y"].to_list() == [*map(float, row[first:]), *[None] * 28]
    assert ours["ds"].to_list() == [date.fromisoformat(d["date"]) for d in days[first:]]
    assert ours["snap"].to_list() == [int(d["snap_CA"]) for d in days[first:]]
    assert ours.select("store", "item", "dept", "cat", "state").unique().rows() == [
        ("CA_1", "FOODS_1_033", "FOODS_1", "FOODS", "CA")
    ]
    with gzip.open(shared / "m5" / "sell_prices.csv.gz", "rt", newline="") as f:
        of_week = {
            r["wm_yr_wk"]: float(r["sell_price"])
            for r in csv.DictReader(f)
            if (r["store_id"], r["item_id"]) == ("CA_1", "FOODS_1_033")
        }
    assert ours["sell_price"].to_list() == [of_week[d["wm_yr_wk"]] for d in days[first:]]


def test_m5_events(m5, days):
    names = dict(m5.long.select("ds", "event_name").unique().iter_rows())
    for day in days:
        both = [e for e in (day["event_name_1"], day["event_name_2"]) if e]
        assert names[date.fromisoformat(day["date"])] == ("+".join(both) or "none")


@pytest.fixture
def small_m5(tmp_path, configs):
    (tmp_path / "sales_train_evaluation.csv").write_text(
        "id,d_1,d_2,d_3\nFOODS_1_001_CA_1_evaluation,0,2,x\nFOODS_1_002_CA_1_evaluation,0,0,0\nODD,1,1,1\n"
    )
    head = "date,wm_yr_wk,weekday,wday,month,year,d,event_name_1,event_type_1,event_name_2,event_type_2,snap_CA\n"
    rows = "".join(f"2011-01-{28 + i},11101,Saturday,1,1,2011,d_{i},,,,,1\n" for i in range(1, 4))
    (tmp_path / "calendar.csv").write_text(head + rows)
    (tmp_path / "sell_prices.csv").write_text("store_id,item_id,wm_yr_wk,sell_price\nCA_1,FOODS_1_001,11101,1.5\n")
    return load_config(configs / "m5.yaml", {"source.path": str(tmp_path)})


def test_m5_bad_cells(small_m5):
    loaded = sources.load(small_m5)
    assert loaded.long.drop_nulls("fault").select("line", "fault", "fault_value").rows() == [
        (2, "number", "d_3=x"),
        *[(4, "id", "id=ODD")] * 3,
    ]
    assert dict(loaded.dropped) == {"not_yet_sold": 1 + 3}
    assert loaded.lines == 9


def test_m5_files_of_different_editions(small_m5, tmp_path):
    sales = tmp_path / "sales_train_evaluation.csv"
    sales.write_text("id,d_1,d_9\nFOODS_1_001_CA_1_evaluation,1,2\n")
    with pytest.raises(UserError, match=r"its day d_9 is not in calendar\.csv"):
        sources.load(small_m5)
    sales.unlink()
    with pytest.raises(UserError, match=r"holds neither sales_train_evaluation\.csv nor"):
        sources.load(small_m5)
