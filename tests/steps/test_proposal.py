"""A first config for files that nobody has described: what columns are, and totals against sums made here."""

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.steps.proposal import Request, propose

DAYS = [date(2024, 1, 1) + timedelta(n) for n in range(120)]


def write(file: Path, rows: list[dict[str, object]], separator: str = ",") -> str:
    pl.DataFrame(rows).write_csv(file, separator=separator)
    return str(file)


def test_two_columns_are_a_date_and_sales(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"week": date(2023, 1, 2) + timedelta(7 * n), "units": 100 + n} for n in range(80)]
    found = propose(Request((write(tmp_path / "shop.csv", rows),)))
    assert found.config.source.columns == {"ds": ("week",), "y": ("units",)}
    assert (found.config.freq, found.config.name) == ("1w", "shop")
    assert found.reading.total == sum(range(100, 180))


def test_stores_items_prices_and_promotions_get_their_roles(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "date": day,
            "store": store,
            "item": item,
            "category": "drinks" if item < 3 else "food",
            "units": (day.day + item) if n < 110 else None,
            "price": 2.5 + (n % 3) / 10,
            "promo": n % 2,
            "customers": 50 + n % 7 if n < 110 else None,
        }
        for store in ("A", "B")
        for item in (1, 2, 3)
        for n, day in enumerate(DAYS)
    ]
    found = propose(Request((write(tmp_path / "sales.csv", rows),)))
    config = found.config
    assert config.source.kind == "table"
    assert set((config.source.columns or {})["unique_id"]) == {"store", "item"}
    assert (config.columns.price, config.columns.promo) == ("price", "promo")
    assert config.columns.known_ahead == ("price", "promo")
    assert config.columns.known_after == ("customers",)
    assert config.columns.static == ("category",)
    assert config.h == 10, "as many days as are known ahead"
    assert not config.future
    assert found.reading.total == sum(int(str(row["units"])) for row in rows if row["units"] is not None)


def test_receipt_lines_are_added_up_by_item(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "Order ID": 5000 + 3 * n + k,
            "Order Date": day,
            "Product": ("tea", "coffee")[k % 2],
            "Quantity": 1 + k,
            "Country": "Germany",
        }
        for n, day in enumerate(DAYS)
        for k in range(3)
    ]
    found = propose(Request((write(tmp_path / "orders.csv", rows),)))
    assert found.config.source.kind == "transactions"
    columns = found.config.source.columns
    assert columns == {"unique_id": ("Product",), "ds": ("Order Date",), "y": ("Quantity",)}
    assert (found.config.clean.gaps, found.config.calendar.country) == ("zero", "DE")
    assert found.reading.total == 120 * (1 + 2 + 3)


def test_a_year_and_a_week_in_two_columns(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"Jahr": 2022 + n // 52, "KW": 1 + n % 52, "Artikel": a, "Menge": 7 + n % 5}
        for n in range(104)
        for a in ("Brot", "Brezel")
    ]
    found = propose(Request((write(tmp_path / "umsatz.csv", rows, ";"),)))
    assert found.config.source.columns == {"unique_id": ("Artikel",), "ds": ("Jahr", "KW"), "y": ("Menge",)}
    assert found.config.freq == "1w"
    assert found.reading.total == sum(int(str(row["Menge"])) for row in rows)


def test_numbers_with_two_meanings_are_refused_and_a_setting_decides(tmp_path: Path) -> None:
    file = tmp_path / "depot.csv"
    file.write_text("date;units\n" + "".join(f"{day};1,{180 + n}\n" for n, day in enumerate(DAYS)))
    with pytest.raises(UserError, match=r"'1,180'.*can mean 1180 or 1\.18"):
        propose(Request((str(file),)))
    settled = propose(Request((str(file),), settings={"source.format": "1,234.5"}))
    assert settled.reading.total == sum(1180 + n for n in range(120))


def test_two_numbers_whose_names_say_nothing_are_refused(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"date": day, "alpha": n, "beta": 2 * n} for n, day in enumerate(DAYS)]
    with pytest.raises(UserError, match=r"which column holds the sales is not clear \(alpha, beta\)"):
        propose(Request((write(tmp_path / "x.csv", rows),)))


def test_no_dates_is_one_sentence(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"item": f"i{n}", "units": n} for n in range(50)]
    with pytest.raises(UserError, match="no column holds dates"):
        propose(Request((write(tmp_path / "x.csv", rows),)))


def test_months_as_columns_are_unpivoted(tmp_path: Path) -> None:
    months = [f"{name}-{year}" for year in (22, 23) for name in ("Jan", "Apr", "Jul", "Oct", "Nov", "Dec")]
    rows = [{"SKU": f"000{i}", "Kind": "ab"[i % 2], **{m: 10 * i + n for n, m in enumerate(months)}} for i in range(4)]
    found = propose(Request((write(tmp_path / "wide.csv", [dict(row) for row in rows]),)))
    assert found.config.source.columns == {"unique_id": ("SKU",), "ds": ("date",), "y": ("sales",)}
    assert (found.config.source.wide, found.config.freq, found.config.columns.static) == ("date", "1mo", ("Kind",))
    assert found.reading.total == sum(10 * i + n for i in range(4) for n in range(12))


def test_items_as_columns_leave_out_parts_of_the_date_and_totals(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"day": day, "M01": n, "M02": 2 * n, "R03": 5, "Total": 3 * n + 5, "Year": day.year, "Month": day.month}
        for n, day in enumerate(DAYS)
    ]
    found = propose(Request((write(tmp_path / "items.csv", rows),)))
    assert found.config.source.wide == "item"
    assert found.reading.series == 3
    assert found.reading.total == sum(3 * n + 5 for n in range(120))


def test_lines_of_receipts_without_a_quantity_count_one_each(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"Date": day, "Transaction": 4 * n + k // 2, "Item": ("bread", "tea")[k % 2]}
        for n, day in enumerate(DAYS)
        for k in range(6)
    ]
    found = propose(Request((write(tmp_path / "bakery.csv", rows),)))
    assert found.config.source.options["counts"] == "lines"
    assert (found.reading.series, found.reading.total) == (2, 720)


def test_months_without_years_are_not_taken_for_years(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"Month": f"{n // 12 + 1}-{n % 12 + 1:02d}", "Sales": 200 + n} for n in range(36)]
    with pytest.raises(UserError, match=r"source.ds_format: dates like '1-01' would be 36 of the 135 months"):
        propose(Request((write(tmp_path / "shampoo.csv", rows),)))


def test_numbers_of_days_are_no_sales(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"date": day, "slot": n % 7, "weekday": day.isoweekday()} for n, day in enumerate(DAYS)
    ]
    with pytest.raises(UserError, match="which column holds the sales is not clear"):
        propose(Request((write(tmp_path / "calendar.csv", rows),)))


def test_a_first_week_that_the_lines_do_not_cover_is_left_out_and_named(tmp_path: Path) -> None:
    start = date(2022, 1, 5)  # a Wednesday; the last day is Saturday, 2 July, and no line is of a Sunday
    days = [day for n in range(180) if (day := start + timedelta(n)).weekday() < 6]
    rows: list[dict[str, object]] = [
        {"invoice": n, "day": day, "item": "xyz"[n % 3], "qty": 10 + k} for n, day in enumerate(days) for k in (0, 1)
    ]
    found = propose(Request((write(tmp_path / "lines.csv", rows),)))
    assert (found.config.source.kind, found.config.freq) == ("transactions", "1w")
    assert found.reading.total == 21 * (len(days) - 4)
    assert any("8 lines (partial_period)" in remark.message for remark in found.reading.remarks)


OPEN = range(8, 20)
WITHOUT_ONE = [day for day in DAYS if day != DAYS[50]]


@pytest.mark.parametrize(
    ("moment", "ds"),
    [
        (lambda day, hour: {"time": f"{day} {hour:02d}:00"}, ("time",)),
        (lambda day, hour: {"date": str(day), "hour": hour}, ("date", "hour")),
        (lambda day, hour: {"date": str(day), "time": f"{hour}:30"}, ("date", "time")),
    ],
)
@pytest.mark.parametrize("stores", [("S",), ("N", "S")])
def test_regular_hours_are_a_table_whose_missing_day_stays_unknown(
    tmp_path: Path,
    moment: Callable[[date, int], dict[str, object]],
    ds: tuple[str, ...],
    stores: tuple[str, ...],
) -> None:
    rows = [
        {**moment(day, hour), "store": store, "units": 1 + hour % 5}
        for day in WITHOUT_ONE
        for hour in OPEN
        for store in stores
    ]
    found = propose(Request((write(tmp_path / "hours.csv", rows),)))
    assert (found.config.source.kind, found.config.freq, found.config.clean.gaps) == ("table", "1d", "missing")
    assert (found.config.source.columns or {})["ds"] == ds
    assert found.reading.rows.height == 119 * len(stores)
    assert found.reading.total == 119 * len(stores) * sum(1 + hour % 5 for hour in OPEN)
    settled = propose(Request((str(tmp_path / "hours.csv"),), settings={"source.kind": "transactions"}))
    assert settled.config.clean.gaps == "zero"


@pytest.mark.parametrize("minutes", [(0,), (3, 17, 44)])
def test_times_of_receipts_are_no_regular_hours(tmp_path: Path, minutes: tuple[int, ...]) -> None:
    """Full hours, few of which have a sale of an item; and minutes, at each of which one item was sold."""
    rows: list[dict[str, object]] = [
        {"time": f"{day} {8 + (n * n + k) % 12:02d}:{minutes[k % len(minutes)]:02d}", "item": "xyz"[k % 3], "qty": 2}
        for n, day in enumerate(DAYS)
        for k in range(9)
    ]
    found = propose(Request((write(tmp_path / "receipts.csv", rows),)))
    assert (found.config.source.kind, found.config.clean.gaps) == ("transactions", "zero")
    assert found.reading.total == 2 * len(rows)


def test_a_file_with_the_same_columns_in_another_language_belongs_to_it(tmp_path: Path) -> None:
    write(tmp_path / "jan.csv", [{"date": day, "units": n} for n, day in enumerate(DAYS[:60])])
    write(tmp_path / "mar.csv", [{"Datum": day, "Menge": 100 + n} for n, day in enumerate(DAYS[60:])])
    found = propose(Request((str(tmp_path),)))
    assert found.config.source.aliases == {"date": ("Datum",), "units": ("Menge",)}
    assert found.reading.total == sum(range(60)) + sum(100 + n for n in range(60))


def test_sales_under_other_names_that_fit_in_no_clear_way_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [{"date": day, "units": n} for n, day in enumerate(DAYS)])
    write(
        tmp_path / "b.csv", [{"Datum": day, "Menge": n, "Laden": "x", "Preis": 2.5} for n, day in enumerate(DAYS[9:])]
    )
    with pytest.raises(UserError, match="looks like sales under other names"):
        propose(Request((str(tmp_path),)))


def test_a_price_list_holds_from_its_day_on(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"date": day, "item": item, "qty": 3} for item in "AB" for day in DAYS]
    write(tmp_path / "sales.csv", rows)
    prices: list[dict[str, object]] = [{"item": i, "valid_from": d, "price": p} for i in "AB" for d, p in PRICES]
    write(tmp_path / "prices.csv", prices)
    config = propose(Request((str(tmp_path),))).config
    assert (config.tables["prices"].start, config.columns.price) == ("valid_from", "price")
    assert config.columns.known_ahead == ("price",)


PRICES = ((date(2023, 12, 1), 1.0), (date(2024, 2, 1), 1.2))


def test_two_items_whose_days_never_meet_are_two_series(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"date": day, "store": "S", "item": "ab"[n % 2], "units": n} for n, day in enumerate(DAYS)
    ]
    found = propose(Request((write(tmp_path / "s.csv", rows),)))
    assert found.reading.series == 2


def test_shops_whose_names_could_be_no_and_yes_are_two_series(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"date": day, "store": store, "units": n} for day in DAYS for n, store in ((1, "N"), (3, "S"))
    ]
    found = propose(Request((write(tmp_path / "shops.csv", rows),)))
    assert (found.config.source.kind, found.reading.series, found.reading.total) == ("table", 2, 4 * 120)


def test_closed_weekdays_are_in_the_heading(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"date": day, "meals": 100 + n % 5} for n, day in enumerate(DAYS) if day.weekday() < 5
    ]
    found = propose(Request((write(tmp_path / "canteen.csv", rows),)))
    assert "no rows on Saturdays and Sundays" in found.text(())


def test_the_sheet_with_sales_of_a_workbook_is_named(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    import xlsxwriter

    file = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(file)) as book:
        pl.DataFrame({"Datum": DAYS, "Absatz": range(120)}).write_excel(book, worksheet="Umsatz")
        pl.DataFrame({"Laden": ["A", "B"], "Stadt": ["Bonn", "Ulm"]}).write_excel(book, worksheet="Orte")
    found = propose(Request((str(file),)))
    assert found.config.source.sheets == ("Umsatz",)
    assert found.reading.total == sum(range(120))


def test_a_query_on_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("create table sales (day text, item text, units integer)")
        database.executemany("insert into sales values (?, ?, ?)", [(str(day), i, 7) for day in DAYS for i in "xy"])
    monkeypatch.setenv("SHOP", f"sqlite:///{tmp_path}/shop.db")
    found = propose(Request(("env:SHOP",), "SELECT day, item, units FROM sales"))
    assert found.config.source.options == {"query": "SELECT day, item, units FROM sales", "url_env": "SHOP"}
    assert (found.reading.series, found.reading.total) == (2, 2 * 120 * 7)
