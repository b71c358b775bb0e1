"""The source sql: a query gives what the CSV of the same rows gives, and errors hold no password."""

import csv
import json
import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, quote_plus

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.data import contracts, sources
from forecasting.errors import UserError
from forecasting.io import database
from tests.servers import PASSWORD, Postgres, free_port

EVIL = "x'); DROP TABLE sales; --"
COLUMNS = "store text, item text, day date, units numeric(10,2), price double precision, promo boolean, pos integer"
LAYOUT = {"unique_id": ["store", "item"], "ds": "day", "y": "units"}
ROLES = {"known_ahead": ["price", "promo"], "static": ["pos"], "price": "price", "promo": "promo"}


def sales() -> list[tuple[object, ...]]:
    """Two stores, two items (one with SQL in its name), ten days; one price and one number of units are missing."""
    rows: list[tuple[object, ...]] = []
    for s, store in enumerate(("north", "south")):
        for i, item in enumerate(("007", EVIL)):
            for day in range(1, 11):
                units = None if (s, i, day) == (1, 1, 4) else Decimal(f"{day + 3 * s + i}.25")
                price = None if day == 7 else 1.5 + i
                rows.append((store, item, date(2024, 3, day), units, price, day % 3 == 0, 40 + s))
    return rows


@pytest.fixture(scope="module")
def table(postgres: Postgres) -> Postgres:
    marks = ", ".join(["%s"] * 7)
    postgres.execute(f"CREATE TABLE sales ({COLUMNS})", f"INSERT INTO sales VALUES ({marks})", rows=sales())
    return postgres


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The same rows where dates are text and booleans are numbers."""
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as connection:
        connection.execute(f"CREATE TABLE sales ({COLUMNS})")
        rows = [(s, i, str(d), u and float(u), p, int(promo), pos) for s, i, d, u, p, promo, pos in sales()]
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{file}"


@pytest.fixture
def sql(make_config, monkeypatch):
    """The config of a query; the address is in the environment variable SHOP."""

    def make(url: str, query: str = "SELECT * FROM sales ORDER BY store, item, day", **keys):
        monkeypatch.setenv("SHOP", url)
        options = {"url_env": "SHOP", "query": query} | keys.pop("options", {})
        source = {"kind": "sql", "options": options, "columns": LAYOUT} | keys.pop("source", {})
        return make_config(source=source, **({"columns": ROLES} | keys))

    return make


@pytest.fixture
def from_csv(make_config, tmp_path):
    """The same rows in the same order, loaded by the table source."""
    file = tmp_path / "rows.csv"
    with file.open("w", newline="") as f:
        header = [column.split()[0] for column in COLUMNS.replace("10,2", "").split(", ")]
        csv.writer(f).writerows([header, *sorted(sales(), key=lambda row: row[:3])])
    return sources.load(make_config(source={"kind": "table", "path": str(file), "columns": LAYOUT}, columns=ROLES))


def numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Every number as Float64, as the store keeps drivers."""
    return frame.drop("file", "line").with_columns(pl.col(pl.Int8, pl.Int64).cast(pl.Float64))


def test_postgresql_gives_what_the_csv_gives(table, sql, from_csv):
    config = sql(table.url())
    loaded = sources.load(config)
    assert loaded.lines == loaded.long.height == 40
    assert_frame_equal(numbers(loaded.long), numbers(from_csv.long))
    assert contracts.check_load(loaded, config).account == contracts.check_load(from_csv, config).account
    assert loaded.long["y"].sum() == float(sum(row[3] for row in sales() if row[3] is not None))


def test_sqlite_gives_what_the_csv_gives(sqlite, sql, from_csv):
    assert_frame_equal(numbers(sources.load(sql(sqlite)).long), numbers(from_csv.long))


def test_an_original_row_has_its_number_and_is_json(table, sql):
    loaded = sources.load(sql(table.url()))
    key = pl.DataFrame({"file": ["sql"], "line": [14]})
    assert loaded.long.row(13, named=True)["file"] == "sql"
    row = json.loads(loaded.original_rows(key)["row"].item())
    assert row == {
        "store": "north",
        "item": EVIL,
        "day": "2024-03-04",
        "units": 5.25,
        "price": 2.5,
        "promo": False,
        "pos": 40,
    }


def test_values_that_look_like_sql_stay_values(table, sql):
    query = "SELECT * FROM sales WHERE item = :item AND day >= :since ORDER BY store, day"
    parameters = {"item": EVIL, "since": date(2024, 3, 9)}
    loaded = sources.load(sql(table.url(), query, options={"parameters": parameters}))
    assert loaded.long["unique_id"].to_list() == [f"{s}/{EVIL}" for s in ("north", "north", "south", "south")]
    assert sources.load(sql(table.url())).lines == 40  # the table is still there


def test_types_of_postgresql(table):
    query = """SELECT d::date AS date, d AS timestamp, d AT TIME ZONE 'UTC' AS zoned, 1.5::numeric AS decimal,
    true AS bool, 7::bigint AS whole, 0.25::real AS real, 'a'::char(1) AS text, NULL AS nothing,
    12345678901234567890::numeric AS large, '12:30'::time AS time, '{"a": 1}'::json AS json, gen_random_uuid() AS uuid
    FROM (VALUES ('2024-03-31 23:30:00'::timestamp)) v(d)"""
    row = database.run_query(table.url(), query, {})
    at = datetime(2024, 3, 31, 23, 30)
    kinds = [pl.Date, pl.Datetime("us"), pl.Datetime("us"), pl.Float64, pl.Boolean, pl.Int64, pl.Float64, pl.String]
    assert row.dtypes == [*kinds, pl.Null, pl.Float64, pl.String, pl.String, pl.String]
    # The server lives in Tokyo: 23:30 in Greenwich is half past eight of the next morning there.
    expected = (date(2024, 3, 31), at, datetime(2024, 4, 1, 8, 30), 1.5, True, 7, 0.25, "a", None)
    assert row.row(0)[: len(expected)] == expected


def test_chunks_become_one_column(monkeypatch, table):
    monkeypatch.setattr(database, "CHUNK", 100)
    sizes, to_series = [], database.to_series
    monkeypatch.setattr(database, "to_series", lambda values: sizes.append(len(values)) or to_series(values))
    query = "SELECT n, CASE WHEN n > 500 THEN n / 2.0 END AS half, n % 2 = 0 AS even FROM generate_series(1, 1234) n"
    rows = database.run_query(table.url(), query, {})
    assert (rows["n"].sum(), rows["half"].sum(), rows["even"].sum()) == (
        1234 * 1235 // 2,
        sum(range(501, 1235)) / 2,
        617,
    )


def test_sqlite_columns_of_mixed_kinds_are_text(monkeypatch, tmp_path, sql):
    """A column of SQLite may hold anything; what is no number is a fault of its row."""
    monkeypatch.setattr(database, "CHUNK", 2)
    with sqlite3.connect(tmp_path / "odd.db") as connection:
        connection.execute("CREATE TABLE sales (ds, y)")
        days = [("2024-01-01", 1), ("2024-01-02", 2.5), ("2024-01-03", "sold out"), ("2024-01-04", None)]
        connection.executemany("INSERT INTO sales VALUES (?, ?)", days)
    connection.close()
    config = sql(f"sqlite:///{tmp_path}/odd.db", "SELECT ds, y FROM sales", source={"columns": None}, columns={})
    long = sources.load(config).long
    assert long["y"].to_list() == [1, 2.5, None, None]
    assert long["fault"].to_list() == [None, None, "number", None]
    assert long["fault_value"][2] == "y=sold out"


def test_a_column_may_mark_deleted_rows(table, sql):
    query = "SELECT *, day = '2024-03-02' AS gone FROM sales ORDER BY store, item, day"
    long = sources.load(sql(table.url(), query, source={"columns": LAYOUT | {"deleted": "gone"}})).long
    assert long.filter("_deleted")["ds"].to_list() == [date(2024, 3, 2)] * 4


def test_nothing_is_written(table, sql, sqlite):
    """Not even by a statement that begins like a SELECT."""
    writing = "WITH gone AS (DELETE FROM sales RETURNING *) SELECT * FROM gone"
    with pytest.raises(UserError, match=r"source.options.query: the database does not answer: .*(DELETE|modifying)"):
        sources.load(sql(table.url(), writing))
    assert sources.load(sql(table.url())).lines == 40
    with pytest.raises(database.QueryFailed, match="readonly"):
        database.run_query(sqlite, "DELETE FROM sales", {})


@pytest.mark.parametrize(
    ("query", "one"),
    [
        ("SELECT 1", True),
        ("  -- sales\n select ';' AS a;\n", True),
        ("(SELECT 1) UNION (SELECT 2)", True),
        ("/* all; of it */ WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("DELETE FROM sales", False),
        ("SELECT 1; DELETE FROM sales", False),
        ("SELECT 1; COMMIT; DELETE FROM sales; --", False),
        ("selection", False),
        ("", False),
    ],
)
def test_one_select_and_nothing_else(query, one):
    assert database.is_one_select(query) == one


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM orders", "source.options.query: the database does not answer: .*orders"),
        ("SELECT FROM WHERE", "source.options.query: the database does not answer: .*syntax error"),
        ("SELECT * FROM sales WHERE item = :item", "source.options.query: the database does not answer: .*item"),
        ("SELECT store, store FROM sales", "two columns of the result are called 'store'"),
        ("SELECT * FROM sales WHERE units > 99", "source.options.query: has no rows"),
        ("DROP TABLE sales", "source.options.query: must be a single SELECT"),
        ("SELECT store, item, day FROM sales", "source.columns.y: sql has no column 'units'"),
    ],
)
@pytest.mark.parametrize("server", ["postgresql", "sqlite"])
def test_a_bad_query_is_refused(query, message, server, table, sqlite, sql):
    with pytest.raises(UserError, match=message) as error:
        sources.load(sql(table.url() if server == "postgresql" else sqlite, query))
    one_sentence(error.value)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"port": 1}, "refused"),
        ({"password": "wrong" + PASSWORD}, "authentication failed"),
        ({"database": "nowhere"}, "nowhere"),
        ({"host": "nowhere.invalid"}, "nowhere.invalid"),
    ],
)
def test_an_unreachable_server_is_reported(other, message, table, sql):
    if "port" in other:
        other = {"port": free_port()}
    with pytest.raises(UserError, match=r"source.options.url_env: the database cannot be reached: .*SHOP") as error:
        sources.load(sql(table.url(**other)))
    assert message in str(error.value)
    one_sentence(error.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"postgresql://tester:{PASSWORD}@127.0.0.1/postgres", "no address"),
        ("postgresql://tester:se@cret@127.0.0.1/postgres", "one @ too many"),
        (f"postgresql://tester:secret@127.0.0.1:{PASSWORD.replace('@', '')}/postgres", "no address"),
        (f"{PASSWORD}", "no address"),
        (f"nonesuch://tester:{quote(PASSWORD, safe='')}@127.0.0.1/postgres", "nonesuch is not a kind of database"),
        (f"mssql+pymssql://tester:{quote(PASSWORD, safe='')}@127.0.0.1/postgres", "needs the package pymssql"),
        (f"postgresql://127.0.0.1:1/x?password={quote_plus(PASSWORD)}&nonesuch={quote_plus(PASSWORD)}", "cannot be"),
        ("sqlite:///nowhere/shop.db", "there is no file nowhere/shop.db"),
    ],
)
def test_an_invalid_address_is_refused(url, message, sql):
    with pytest.raises(UserError, match=r"source.options.url_env: the database cannot be reached") as error:
        sources.load(sql(url))
    assert message in str(error.value)
    one_sentence(error.value)


def test_an_address_without_a_password_may_be_in_the_config(sqlite, make_config, from_csv):
    source = {"kind": "sql", "path": sqlite, "columns": LAYOUT}
    source["options"] = {"query": "SELECT * FROM sales ORDER BY store, item, day"}
    assert_frame_equal(numbers(sources.load(make_config(source=source, columns=ROLES)).long), numbers(from_csv.long))


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/db", "postgresql://host/db?password=secret"])
def test_an_address_with_a_password_may_not(url, make_config):
    config = make_config(source={"kind": "sql", "path": url, "options": {"query": "SELECT 1"}})
    with pytest.raises(UserError, match=r"source.path: holds a password: put the address into an environment") as error:
        sources.load(config)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": "SELECT 1"}, "source.options.url_env: must name the environment variable"),
        ({"query": "SELECT 1", "url_env": "NOT_SET_HERE"}, "NOT_SET_HERE is not set"),
        ({"url_env": "SHOP"}, "source.options.query"),
        (
            {"query": "SELECT 1", "url": "sqlite://"},
            "source.options.url: is not an option; there are query, parameters",
        ),
    ],
)
def test_invalid_options_are_refused(options, message, make_config):
    with pytest.raises(UserError, match=message):
        sources.load(make_config(source={"kind": "sql", "options": options}))


def one_sentence(error: UserError) -> None:
    """On one line, without the password in any of its forms or a traceback that would show it."""
    message = str(error)
    assert "\n" not in message
    assert not [
        secret for secret in (PASSWORD, quote(PASSWORD, safe=""), quote_plus(PASSWORD), "se?same") if secret in message
    ]
    assert error.__context__ is None or error.__suppress_context__
