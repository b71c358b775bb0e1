"""Side tables: each join against a slow one written out in Python, each bad row, each missing one, coming days."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from forecasting.config import load as load_config
from forecasting.config.sections import SideTable
from forecasting.data import contracts
from forecasting.data.buckets import Portions
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.data.side_tables import load_with_side_tables
from forecasting.data.side_tables.lookup import build_lookup
from forecasting.errors import UserError

MONDAY = date(2024, 1, 1)
SOURCE = {"unique_id": ["store", "item"], "ds": "ds", "y": "y"}


def day(n: int) -> date:
    return MONDAY + timedelta(n)


# --- joins, against loops ----------------------------------------------------------------------------------------

stores, offsets = st.sampled_from("abc"), st.integers(0, 30)
sales = st.lists(st.tuples(stores, offsets), min_size=1, max_size=30)


def looked_up(spec: dict[str, Any], table: pl.DataFrame, rows: list[tuple[str, int]]) -> list[Any]:
    """The lookup of each row: `v` where it matched, else None."""
    long = pl.DataFrame({"store": [s for s, _ in rows], "ds": [day(n) for _, n in rows]})
    found = build_lookup("t", SideTable.model_validate({"path": "x", "columns": ["v"]} | spec), table).lookup(long)
    assert found.height == len(rows)
    assert found["_matched"].to_list() == [v is not None for v in found["v"]]
    return found["v"].to_list()


@given(sales, st.dictionaries(stores, st.integers(0, 9)))
def test_by_key(rows, table):
    frame = pl.DataFrame({"store": list(table), "ds": None, "v": list(table.values())}, schema_overrides=TYPES)
    assert looked_up({"on": "store"}, frame, rows) == [table.get(s) for s, _ in rows]


@given(sales, st.dictionaries(st.tuples(stores, offsets), st.integers(0, 9)))
def test_by_key_and_day(rows, table):
    keys = {"store": [s for s, _ in table], "ds": [day(n) for _, n in table]}
    frame = pl.DataFrame(keys | {"v": list(table.values())}, schema_overrides=TYPES)
    assert looked_up({"on": "store", "ds": "d"}, frame, rows) == [table.get(row) for row in rows]


@given(sales, st.dictionaries(offsets, st.integers(0, 9)))
def test_by_day_alone(rows, table):
    frame = pl.DataFrame({"ds": [day(n) for n in table], "v": list(table.values())}, schema_overrides=TYPES)
    assert looked_up({"ds": "d"}, frame, rows) == [table.get(n) for _, n in rows]


TYPES = {"store": pl.String, "ds": pl.Date, "_end": pl.Date, "v": pl.Int64}
ranges = st.lists(st.tuples(stores, offsets, st.one_of(st.none(), st.integers(0, 20))), max_size=12, unique=True)


def frame_of(table: list[tuple[str, int, int | None]]) -> pl.DataFrame:
    """store, first day, days beyond it (None: without an end); v is the number of the line."""
    ends = [None if length is None else day(first + length) for _, first, length in table]
    columns = {"store": [s for s, _, _ in table], "ds": [day(n) for _, n, _ in table], "_end": ends}
    return pl.DataFrame(columns | {"v": list(range(len(table)))}, schema=TYPES)


def covering(table: list[tuple[str, int, int | None]], store: str | None, n: int) -> int | None:
    """The line that counts: of those that cover the day the one that began last, then the one that ends first."""
    far = 10_000
    hits = [
        (-first, far if length is None else first + length, v)
        for v, (s, first, length) in enumerate(table)
        if store in (None, s) and first <= n <= (far if length is None else first + length)
    ]
    return min(hits)[2] if hits else None


@given(sales, ranges)
@example([("a", 0)], [("a", 0, None), ("a", 1, None), ("a", 0, 0)])
@example([("a", 0)], [("a", 0, None), ("a", 1, None), ("a", 0, 5)])
def test_by_range_with_overlaps_and_open_ends(rows, table):
    spec = {"on": "store", "start": "s", "end": "e"}
    assert looked_up(spec, frame_of(table), rows) == [covering(table, *row) for row in rows]


@given(sales, st.lists(st.tuples(offsets, st.integers(0, 20)), max_size=8, unique=True))
def test_by_range_of_all_series(rows, table):
    every = [("a", first, length) for first, length in table]
    frame = frame_of(every).drop("store")
    assert looked_up({"start": "s", "end": "e"}, frame, rows) == [covering(every, None, n) for _, n in rows]


@given(sales, st.lists(st.tuples(stores, offsets), max_size=12, unique=True))
def test_valid_from_lasts_until_the_next(rows, table):
    frame = frame_of([(*row, None) for row in table]).drop("_end")
    expected = []
    for store, n in rows:
        before = [(first, v) for v, (s, first) in enumerate(table) if s == store and first <= n]
        expected.append(max(before)[1] if before else None)
    assert looked_up({"on": "store", "start": "s"}, frame, rows) == expected


# --- complete loads -------------------------------------------------------------------------------------------------


class Job:
    """A small daily job: sales of two stores and two items, and the tables that a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: dict[str, Any] = {
            "name": "job",
            "source": {"kind": "table", "path": str(folder / "sales.csv"), "columns": SOURCE},
            "freq": "1d",
            "h": 3,
            "limits": {"quarantined": 0.5},
        }
        self.sales([(s, i, n, n) for s in "ab" for i in "xy" for n in range(5)])

    def sales(self, rows: list[tuple[str, str, int, Any]]) -> None:
        lines = [f"{s},{i},{day(n)},{'' if y is None else y}" for s, i, n, y in rows]
        (self.folder / "sales.csv").write_text("\n".join(["store,item,ds,y", *lines]) + "\n")

    def table(self, name: str, *lines: str, **spec: Any) -> None:
        (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
        self.keys.setdefault("tables", {})[name] = {"path": str(self.folder / f"{name}.csv")} | spec

    def config(self, **keys: Any):
        file = self.folder / "job.yaml"
        file.write_text(yaml.safe_dump(self.keys | keys, sort_keys=False))
        return load_config(file)

    def checked(self, **keys: Any) -> contracts.CheckedLoad:
        config = self.config(**keys)
        return contracts.check_load(load_with_side_tables(config), config)

    def path(self, name: str) -> str:
        return str(self.folder / f"{name}.csv")


@pytest.fixture
def job(tmp_path) -> Job:
    return Job(tmp_path)


def rows_of(checked: contracts.CheckedLoad, *columns: str, **where: Any) -> list[tuple[Any, ...]]:
    found = checked.good.filter(**where).sort("unique_id", "ds")
    return found.select(*columns).rows()


def test_attributes_come_by_key_whatever_the_file_calls_it(job):
    job.table("stores", "code,area", "a,10", "b,20.5", on={"store": "code"}, columns={"size": "area"})
    job.table("items", "item;kind", "x;hot", "y;cold", on="item", columns=["kind"])
    checked = job.checked(columns={"static": ["size", "kind"]})
    assert set(rows_of(checked, "unique_id", "size", "kind")) == {
        ("a/x", 10.0, "hot"), ("a/y", 10.0, "cold"), ("b/x", 20.5, "hot"), ("b/y", 20.5, "cold"),
    }  # fmt: skip
    assert checked.good.columns == ["unique_id", "ds", "y", "size", "kind", "store", "item"]
    assert checked.account["tables"]["stores"] == {
        "lines": 2, "rows": 2, "quarantined": 0, "duplicates": 0, "dropped": {},
        "unmatched": 0, "unmatched_keys": 0, "example": None, "unused_keys": 0,
    }  # fmt: skip


def test_a_table_is_joined_by_what_the_one_above_it_gives(job):
    job.table("stores", "store,region", "a,north", "b,south", on="store", columns=["region"])
    job.table(
        "fairs", "region,day,fair", f"north,{day(2)},1", on="region", ds="day", columns=["fair"], missing={"fair": 0}
    )
    checked = job.checked(columns={"static": ["region"], "known_ahead": ["fair"]})
    assert rows_of(checked, "fair", unique_id="a/x") == [(0,), (0,), (1,), (0,), (0,)]
    assert {fair for (fair,) in rows_of(checked, "fair", unique_id="b/x")} == {0}


def test_a_table_with_a_number_for_a_key(job):
    job.sales([("7", "x", n, 1) for n in range(3)])
    pl.DataFrame({"nr": [7.0, 8.0], "size": [1, 2]}).write_parquet(job.folder / "stores.parquet")
    job.keys["tables"] = {
        "stores": {"path": str(job.folder / "stores.parquet"), "on": {"store": "nr"}, "columns": ["size"]}
    }
    assert rows_of(job.checked(columns={"static": ["size"]}), "size") == [(1,)] * 3


def test_a_column_may_be_the_same_on_all_rows_of_a_table(job):
    spec = {"on": "item", "start": "von", "end": "bis", "columns": {"promo": "=1", "label": "=spring"}}
    job.table("promos", "item;von;bis", "x;02.01.2024;03.01.2024", missing={"promo": 0, "label": "none"}, **spec)
    checked = job.checked(columns={"known_ahead": ["promo", "label"], "promo": "promo"})
    assert rows_of(checked, "promo", "label", unique_id="a/x") == [
        (0, "none"), (1, "spring"), (1, "spring"), (0, "none"), (0, "none"),
    ]  # fmt: skip


def test_prices_with_a_decimal_comma_valid_from(job):
    lines = ["store;item;from;euro", f"a;x;{day(-9)};1,50", f"a;x;{day(2)};1,25"]
    job.table("prices", *lines, on=["store", "item"], start="from", columns={"price": "euro"})
    checked = job.checked(columns={"known_ahead": ["price"], "price": "price"})
    assert [p for (p,) in rows_of(checked, "price", unique_id="a/x")][:5] == [1.5, 1.5, 1.25, 1.25, 1.25]
    account = checked.account["tables"]["prices"]
    assert (account["unmatched"], account["unmatched_keys"], account["unused_keys"]) == (15, 3, 0)
    assert account["example"] == f"store=a, item=y, ds={day(0)}"


@pytest.mark.parametrize(
    ("line", "rule", "value"),
    [
        (f",x,{day(1)},,1", "missing_key", "store=nothing"),
        ("a,x,,,1", "missing_key", "ds=nothing"),
        ("a,x,2024-02-30,,1", "date_format", "ds=2024-02-30"),
        ("a,x,1824-02-20,,1", "implausible_date", "ds=1824-02-20"),
        (f"a,x,{day(5)},{day(4)},1", "start_after_end", f"end={day(4)}"),
        (f"a,x,{day(5)},later,1", "date_format", "end=later"),
        (f"a,x,{day(5)},,cheap", "number", "price=cheap"),
        (f"a,x,{day(5)},,-1", "negative_price", "price=-1.0"),
        (f"a,x,{day(5)},,inf", "non_finite", "price=inf"),
        (f"a,x,{day(5)},", "cells", f"a,x,{day(5)},"),
    ],
)
def test_a_bad_row_goes_to_quarantine_as_it_came(job, line, rule, value):
    good = [f"{s},{i},{day(0)},{day(9)},2" for s in "ab" for i in "xy"]
    spec = {"on": ["store", "item"], "start": "from", "end": "to", "columns": ["price"]}
    job.table("prices", "store,item,from,to,price", *good, line, **spec)
    checked = job.checked(columns={"known_ahead": ["price"], "price": "price"})
    bad = {"file": job.path("prices"), "line": 6, "row": line, "rule": f"prices.{rule}", "value": value}
    assert checked.quarantine.to_dicts() == [bad]
    assert {price for (price,) in rows_of(checked, "price")} == {2.0}
    account = checked.account["tables"]["prices"]
    assert (account["lines"], account["rows"], account["quarantined"]) == (5, 4, 1)
    assert checked.account["quarantined"] == 0, "the account of the sales is another one"


def test_stock_below_zero_is_no_stock(job):
    job.table("stock", "store,day,n", f"a,{day(0)},-1", f"b,{day(0)},3", on="store", ds="day", columns={"left": "n"})
    checked = job.checked(columns={"stock": "left"})
    assert checked.quarantine.select("rule", "value").rows() == [("stock.negative_stock", "left=-1.0")]


def test_equal_rows_count_once_and_those_that_differ_are_all_set_aside(job):
    job.table("stores", "store,size,,", "a,1,,", "a,1,,", "b,2,,", "b,3,,", ",,,", on="store", columns=["size"])
    checked = job.checked(columns={"static": ["size"]}, limits={"quarantined": 0.6})
    assert checked.quarantine.select("line", "rule", "value").rows() == [
        (n, "stores.conflicting_duplicate", "store=b") for n in (4, 5)
    ]
    account = checked.account["tables"]["stores"]
    assert account["lines"] == 5 == account["rows"] + account["quarantined"] + account["duplicates"] + 1
    assert (account["duplicates"], account["dropped"]) == (1, {"empty_line": 1})
    assert (account["unmatched"], account["unmatched_keys"]) == (10, 1)


def test_too_many_bad_rows_stop_the_load(job):
    job.table("stores", "store,size", "a,1", ",2", ",3", on="store", columns=["size"])
    with pytest.raises(
        UserError, match=r"2 of 3 rows of the table stores .*stores\.missing_key 2 times, first in .*line 3"
    ):
        job.checked(columns={"static": ["size"]})


def test_keys_that_are_written_in_different_ways_stop_the_load(job):
    job.table("stores", "store,size", "A,1", "B,2", on="store", columns=["size"])
    with pytest.raises(
        UserError, match=r"tables\.stores\.on: .*no key in common: the sales hold store=a, the table store=A"
    ):
        job.checked(columns={"static": ["size"]})


def test_a_limit_of_rows_without_a_match(job):
    job.table("stores", "store,size", "a,1", "c,2", on="store", columns=["size"])
    columns = {"columns": {"static": ["size"]}}
    account = job.checked(**columns).account["tables"]["stores"]
    assert (account["unmatched"], account["unused_keys"]) == (10, 1)
    with pytest.raises(
        UserError, match=r"limits\.unmatched: .*stores has no match for 10 of 20 rows \(50.0%\), first for store=b"
    ):
        job.checked(limits={"unmatched": 0.4}, **columns)
    job.keys["tables"]["stores"]["missing"] = {"size": 0}
    assert job.checked(limits={"unmatched": 0.4}, **columns).account["tables"]["stores"]["unmatched"] == 10


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"path": "nowhere.csv"},
            r"tables\.stores\.path: there is no file or folder nowhere\.csv.*override tables\.stores\.path",
        ),
        ({"on": {"store": "code"}}, r"tables\.stores\.on: .*has no column 'code'; it has: store, size"),
        ({"columns": {"size": "area"}}, r"tables\.stores\.columns\.size: .*has no column 'area'"),
        ({"missing": {"size": "none"}}, r"tables\.stores\.missing\.size: size holds numbers, and 'none' is a text"),
        (
            {"ds": "size"},
            r"tables\.stores\.ds_format: no date .*give the format, for example tables\.stores\.ds_format",
        ),
    ],
)
def test_what_cannot_be_read_is_reported_at_its_key(job, spec, message):
    job.table(
        "stores", "store,size", "a,large" if "ds" in spec else "a,1", **({"on": "store", "columns": ["size"]} | spec)
    )
    with pytest.raises(UserError, match=rf"job\.yaml, line \d+: {message}"):
        job.checked(columns={"known_after": ["size"]})


# --- days that only tables tell ----------------------------------------------------------------------------------


def ahead(checked: contracts.CheckedLoad, *columns: str, last: int = 4) -> list[tuple[Any, ...]]:
    return rows_of(
        contracts.CheckedLoad(Portions.of(checked.good.filter(pl.col("ds") > day(last))), *[None] * 3), *columns
    )


def test_an_open_price_list_brings_all_coming_days_of_its_series(job):
    job.table(
        "prices", "store,from,price", f"a,{day(0)},2", f"a,{day(6)},3", on="store", start="from", columns=["price"]
    )
    job.table("stores", "store,size", "a,10", "b,20", on="store", columns=["size"])
    checked = job.checked(columns={"known_ahead": ["price"], "static": ["size"], "price": "price"})
    expected = [(f"a/{i}", day(n), None, p, 10) for i in "xy" for n, p in ((5, 2.0), (6, 3.0), (7, 3.0))]
    assert ahead(checked, "unique_id", "ds", "y", "price", "size") == expected
    assert checked.account["rows_from_tables"] == 6
    assert checked.account["aggregated"] == 20 == checked.good.height - 6


def test_a_plan_adds_no_day_after_its_last_one(job):
    job.table("promos", "day,promo", f"{day(1)},1", f"{day(6)},1", ds="day", columns=["promo"], missing={"promo": 0})
    checked = job.checked(columns={"known_ahead": ["promo"], "promo": "promo"})
    assert ahead(checked, "unique_id", "ds", "promo")[:2] == [("a/x", day(5), 0), ("a/x", day(6), 1)]
    assert {ds for (ds,) in ahead(checked, "ds")} == {day(5), day(6)}


def test_without_a_word_for_what_is_missing_only_days_that_match_come(job):
    job.table("promos", "day,promo", f"{day(1)},1", f"{day(6)},1", ds="day", columns=["promo"])
    assert {ds for (ds,) in ahead(job.checked(columns={"known_ahead": ["promo"]}), "ds")} == {day(6)}


def test_known_after_columns_add_no_day(job):
    job.table("visits", "day,visits", *(f"{day(n)},9" for n in range(9)), ds="day", columns=["visits"])
    assert ahead(job.checked(columns={"known_after": ["visits"]}), "ds") == []


def test_rows_of_the_source_stand(job):
    job.sales([("a", "x", n, 1 if n < 3 else None) for n in range(5)])
    job.table("prices", "from,price", f"{day(0)},2", start="from", columns=["price"])
    checked = job.checked(columns={"known_ahead": ["price"], "price": "price"})
    assert rows_of(checked, "ds", "price") == [(day(n), 2.0) for n in range(6)]
    assert checked.account["rows_from_tables"] == 1


def test_series_that_have_ended_have_no_coming_days(job):
    job.sales([("a", "x", -1500, 1), ("b", "x", 4, 1)])
    job.table("prices", "from,price", f"{day(0)},2", start="from", columns=["price"])
    checked = job.checked(columns={"known_ahead": ["price"], "price": "price"})
    assert {i for (i,) in ahead(checked, "unique_id")} == {"b/x"}


def test_days_of_earlier_loads_get_no_extra_rows(job):
    """An older file that comes late must not put coming days over what was sold on them."""
    job.table("prices", "from,price", f"{day(0)},2", start="from", columns=["price"])
    config = job.config(columns={"known_ahead": ["price"], "price": "price"})
    checked = contracts.check_load(load_with_side_tables(config), config, last_loaded=day(8))
    assert {ds for (ds,) in ahead(checked, "ds")} == {day(9), day(10), day(11)}


def test_no_stock_makes_demand_unobserved(job):
    job.sales([("a", "x", n, n) for n in range(6) if n != 3])
    job.table(
        "stock", "day,n", *(f"{day(n)},{0 if n in (1, 3) else 7}" for n in range(9)), ds="day", columns={"left": "n"}
    )
    config = job.config(columns={"stock": "left"}, clean={"gaps": "zero"})
    made = fill_gaps(
        flag_observations(contracts.check_load(load_with_side_tables(config), config).good, config), config, day(5)
    )
    assert made.select("y", "y_raw", "flag").rows() == [
        (0, 0, "observed"), (None, 1, "out_of_stock"), (2, 2, "observed"),
        (None, None, "out_of_stock"), (4, 4, "observed"), (5, 5, "observed"),
    ]  # fmt: skip


# --- real data ---------------------------------------------------------------------------------------------------


def test_breakfast_tables_say_what_the_sales_say(configs, shared):
    """The sales file has these columns already: joined from the tables they must be the same."""
    home = shared / "breakfast_frat"
    path = {"source.path": str(home / "sales_weekly.parquet")}
    stores = {"state": "address_state_prov_code", "segment": "seg_value_name"}
    taken = ("category", "sub_category", "manufacturer")
    tables = {
        "stores": {"path": str(home / "stores.parquet"), "on": {"store": "store_id"}, "columns": stores},
        "products": {"path": str(home / "products.parquet"), "on": {"item": "upc_id"}, "columns": list(taken)},
    }
    alone = load_with_side_tables(load_config(configs / "breakfast_frat.yaml", path))
    joined = load_with_side_tables(load_config(configs / "breakfast_frat.yaml", path | {"tables": tables}))
    assert joined.long.equals(alone.long)
    assert joined.long.height == 524_950
    assert {name: a["unmatched"] for name, a in joined.tables.account.items()} == {"stores": 0, "products": 0}
    items = set(pl.read_parquet(home / "products.parquet")["upc_id"]) - set(alone.long["item"])
    assert joined.tables.account["products"]["unused_keys"] == len(items) == 3


def test_orange_juice_stores_by_their_number(configs, shared):
    home = shared / "dominicks_oj"
    roles = yaml.safe_load((configs / "dominicks_oj.yaml").read_text())["columns"]
    spec = {"path": str(home / "stores.parquet"), "on": {"store": "STORE"}, "columns": {"income": "INCOME"}}
    keys = {"source.path": str(home / "sales_weekly.parquet"), "tables": {"stores": spec}}
    keys |= {"columns": roles | {"static": list(dict.fromkeys([*roles.get("static", []), "store", "income"]))}}
    joined = load_with_side_tables(load_config(configs / "dominicks_oj.yaml", keys))
    incomes = dict(
        pl.read_parquet(home / "stores.parquet").select(pl.col("STORE").cast(pl.String), "INCOME").iter_rows()
    )
    sold = pl.read_parquet(home / "sales_weekly.parquet")
    assert joined.long.height == sold.height
    expected = [incomes[str(store)] for store in sold["store"]]
    assert joined.long["income"].to_list() == expected


def test_side_tables_in_the_folder_of_the_sales_are_no_sales(job):
    job.table("stores", "store,ds,y", "a,1,2", "b,2,3", on="store", columns={"size": "y"})
    job.keys["source"]["path"] = str(job.folder)
    loaded = load_with_side_tables(job.config(columns={"static": ["size"]}))
    assert (loaded.lines, dict(loaded.dropped), loaded.long["size"].sum()) == (20, {}, 50)
