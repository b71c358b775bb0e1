"""Every real data set from its YAML alone: totals by readers of other libraries, and lines that add up."""

import csv
import gzip
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from forecasting.config import load as load_config
from forecasting.data import contracts, sources
from tests.conftest import beside

Row = tuple[str, date, float]


@dataclass(frozen=True)
class Totals:
    """What a set comes to: lines of its files, rows with a number sold, their sum, series, first and last day."""

    lines: int
    rows: int
    total: float
    series: int
    first: date
    last: date


def totals(lines: int, rows: Iterable[Row]) -> Totals:
    """The totals of rows that all hold a number."""
    ids, days, sold = zip(*rows, strict=True)
    return Totals(lines, len(sold), math.fsum(sold), len(set(ids)), min(days), max(days))


def parquet(file: Path, *others: Path) -> Totals:
    """A long table with unique_id, ds and y, and its side tables, of which only the rows are counted."""
    table = pq.read_table(file, columns=["unique_id", "ds", "y"])
    y = table["y"].cast("float64")
    span = pc.min_max(table["ds"].filter(pc.is_valid(y))).as_py()
    lines = sum(pq.read_metadata(f).num_rows for f in (file, *others))
    series = len(pc.unique(table["unique_id"]))
    return Totals(lines, len(y) - y.null_count, pc.sum(y).as_py(), series, span["min"], span["max"])


def champagne(folder: Path) -> Totals:
    lines = (folder / "perrin-freres-monthly-champagne.csv").read_text().splitlines()[1:]
    cells = [line.split(",") for line in lines]
    sold = (("champagne", date.fromisoformat(f"{month}-01"), float(y)) for month, y in cells if y)
    return totals(len(lines), sold)


def rossmann(folder: Path) -> Totals:
    read = pyarrow.csv.read_csv(folder / "train.csv.gz").select(["Store", "Date", "Sales"])
    store, day, sales = (read[name] for name in read.column_names)
    span = pc.min_max(day).as_py()
    return Totals(len(read), len(read), pc.sum(sales).as_py(), len(pc.unique(store)), span["min"], span["max"])


def m5(folder: Path) -> Totals:
    """From each first sale on; a cell counts as a line, those of the calendar's coming days included."""
    days = (folder / "calendar.csv").read_text().count("\n") - 1
    with gzip.open(folder / "sales_train_evaluation.csv.gz", "rt", newline="") as f:
        head, *lines = csv.reader(f)
    cells = slice(head.index("d_1"), head.index("d_1941") + 1)
    wide = [[int(v) for v in line[cells]] for line in lines]
    start = date(2011, 1, 29)
    begin = [next(i for i, v in enumerate(sold) if v) for sold in wide]
    rows = sum(len(sold) - b for sold, b in zip(wide, begin, strict=True))
    last = start + timedelta(len(wide[0]) - 1)
    return Totals(len(wide) * days, rows, sum(map(sum, wide)), len(wide), start + timedelta(min(begin)), last)


def online_retail(folder: Path) -> Totals:
    """Weeks per item of the lines that are goods at a price, without the first days of December."""
    no_goods = {"POST", "DOT", "M", "C2", "S", "D", "AMAZONFEE", "BANK CHARGES"}
    table = pq.read_table(
        folder / "invoice_lines.parquet", columns=["StockCode", "InvoiceDate", "Quantity", "UnitPrice"]
    )
    weeks: dict[tuple[str, date], int] = {}
    mondays: dict[str, date] = {}
    for code, when, units, price in zip(*(column.to_pylist() for column in table.columns), strict=True):
        if when not in mondays:
            day = datetime.strptime(when, "%m/%d/%y %H:%M").date()
            mondays[when] = day - timedelta(day.weekday())
        item, monday = code.upper(), mondays[when]
        if price and item not in no_goods and not item.startswith("GIFT_") and monday > date(2010, 11, 29):
            weeks[item, monday] = weeks.get((item, monday), 0) + units
    return totals(len(table), ((item, week, y) for (item, week), y in weeks.items()))


READERS: dict[str, Callable[[Path], Totals]] = {
    "champagne": champagne,
    "rossmann": rossmann,
    "m5": m5,
    "m5_store_dept": lambda f: parquet(f / "sales_daily.parquet"),
    "breakfast_frat": lambda f: parquet(f / "sales_weekly.parquet", f / "stores.parquet", f / "products.parquet"),
    "dominicks_oj": lambda f: parquet(f / "sales_weekly.parquet", f / "stores.parquet"),
    "carparts": lambda f: parquet(f / "sales_monthly.parquet"),
    "store_item_demand": lambda f: parquet(f / "sales.parquet"),
    "online_retail": online_retail,
}
MORE: dict[str, Callable[[Path], Totals]] = {
    "m3_monthly": lambda f: parquet(f / "sales_monthly.parquet"),
    "tourism_monthly": lambda f: parquet(f / "sales_monthly.parquet"),
}
"""Readers of the data sets in a folder of their own."""
ROWS = {
    "champagne": 105,
    "rossmann": 1_017_209,
    "m5_store_dept": 70 * 1_941,
    "breakfast_frat": 524_950,
    "dominicks_oj": 106_139,
    "carparts": 2_674 * 51 - 6_122,
    "store_item_demand": 913_000,
    "m3_monthly": 167_562,
    "tourism_monthly": 109_280,
}
"""What the publishers say."""
M3_KINDS = {"micro": 474, "industry": 334, "macro": 312, "finance": 145, "demographic": 111, "other": 52}
"""The monthly series of the M3 competition by kind, as its paper counts them (Makridakis and Hibon, 2000)."""


@pytest.mark.parametrize(("folder", "readers"), [("shared/data", READERS), ("shared/more", MORE)])
def test_every_data_set_has_a_reader(folder: str, readers: dict[str, Callable[[Path], Totals]]) -> None:
    assert {path.name for path in beside(folder).iterdir() if path.is_dir()} == set(readers)


@pytest.mark.parametrize("name", READERS | MORE)
def test_totals_and_account(name: str, configs: Path) -> None:
    folder = beside("shared/more" if name in MORE else "shared/data") / name
    raw = (READERS | MORE)[name](folder)
    assert raw.rows == ROWS.get(name, raw.rows)
    config = load_config(configs / f"{name}.yaml", {"source.path": str(folder)})
    loaded = sources.load(config)
    checked = contracts.check_load(loaded, config)
    assert checked.good.height == loaded.long.height
    sold = checked.good.filter(pl.col("y").is_not_null())
    span = (sold["ds"].min(), sold["ds"].max())
    assert Totals(checked.account["lines"], sold.height, raw.total, sold["unique_id"].n_unique(), *span) == raw
    assert sold["y"].sum() == pytest.approx(raw.total, rel=1e-12)
    parts = [checked.account[part] for part in ("aggregated", "quarantined", "duplicates")]
    assert checked.account["lines"] == sum(parts) + sum(checked.account["dropped"].values())
    assert checked.quarantine.is_empty()
    assert not checked.good.select("unique_id", "ds").is_duplicated().any()


def test_the_kinds_of_the_m3_series(configs: Path) -> None:
    """The static column of a file that has it on every row: one value per series, none lost."""
    path = str(beside("shared/more") / "m3_monthly")
    long = sources.load(load_config(configs / "m3_monthly.yaml", {"source.path": path})).long
    kinds = long.select("unique_id", "category").unique()["category"].value_counts()
    assert dict(kinds.iter_rows()) == M3_KINDS
