"""The registry of tables: every table has one complete entry, and what follows from it follows."""

import ast
import re

import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.schemas import (
    COMPUTED_EXPORTS,
    ENTRIES,
    EXPORTS,
    LOADED_TABLES,
    TableEntry,
    feature_rows_table,
    tables,
)
from forecasting.data.schemas.entry import fixed
from tests.conftest import ROOT

DRIVERS = {"price": pl.Float64, "store": pl.String}
CALLS = {"scan", "merge", "replace", "append"}


def config() -> Config:
    columns = {"known_ahead": ["price"], "static": ["store"], "price": "price"}
    return Config.model_validate(
        {"name": "shop", "source": {"kind": "table"}, "freq": "1d", "h": 7, "level": [80], "columns": columns}
    )


def names_in_code(source: str) -> set[str]:
    """Names of tables that code reads or writes through a store."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=on, attr=attr), args=[ast.Constant(value=str(name)), *_]):
                if attr in CALLS and re.search(r"(store|bare)$", ast.unparse(on)):
                    names.add(name)
            case ast.Call(func=ast.Name(id="scan_published"), args=[_, ast.Constant(value=str(name)), *_]):
                names.add(name)
            case ast.Subscript(value=ast.Attribute(attr="tables"), slice=ast.Constant(value=str(name))):
                names.add(name)
    return names


def test_every_table_that_the_code_uses_has_an_entry_and_every_entry_is_used():
    files = [file for room in ("forecasting", "flows", "dashboard") for file in (ROOT / room).rglob("*.py")]
    found = set().union(*(names_in_code(file.read_text(encoding="utf-8")) for file in files))
    assert found <= set(ENTRIES)
    assert set(ENTRIES) - found <= {
        "features",
        "training_sets",
        "forecasts",
    }  # read and written by a name in a variable


def test_the_search_for_names_finds_a_table_without_an_entry():
    assert names_in_code('load.store.scan("forgotten").collect()') == {"forgotten"}
    assert names_in_code('store.tables["forgotten"].schema') == {"forgotten"}
    assert names_in_code('"a-b".replace("-", "_")') == set()


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_complete(name):
    entry, table = ENTRIES[name], tables(config(), DRIVERS)[name]
    assert entry.description
    assert entry.description[0].isupper()
    assert not entry.description.endswith(".")
    assert table.key
    assert {*table.key, *table.partition, *table.optional} <= set(table.schema)
    assert set(table.optional) <= set(table.key)
    if entry.export:
        assert {*entry.export.sort} <= set(table.schema)
        assert entry.export.row.startswith("one row per ")
        assert entry.export.cutoff == "none" or "cutoff" in table.schema


def test_drivers_become_columns_of_the_tables_that_hold_them():
    all_tables = tables(config(), DRIVERS)
    assert all_tables["panel"].schema["price"] == all_tables["contributions"].schema["price"] == pl.Float64
    assert "price" not in all_tables["series"].schema
    assert all_tables["series"].schema["store"] == pl.String
    assert {"lo-80", "hi-80"} <= set(all_tables["forecasts"].schema) & set(all_tables["backtests"].schema)


def test_a_load_keeps_the_version_of_every_table_that_it_writes():
    assert list(tables(config())["loads"].schema)[-len(LOADED_TABLES) :] == list(LOADED_TABLES)
    assert {"panel", "series", "groups", "quarantine"} < set(LOADED_TABLES)


def test_exports_follow_from_the_entries():
    assert {"forecasts", "sums", "backtests", "scores", "quarantine", "series"} <= set(EXPORTS)
    assert set(EXPORTS) == {name for name, entry in ENTRIES.items() if entry.export} | set(COMPUTED_EXPORTS)
    assert not set(COMPUTED_EXPORTS) & set(ENTRIES)


def test_rows_of_features_have_a_column_per_feature():
    plain, rows = tables(config(), DRIVERS)["feature_rows"], feature_rows_table({"lag_7": pl.Float32})
    assert dict(rows.schema) == dict(plain.schema) | {"lag_7": pl.Float32}
    assert (rows.key, rows.partition) == (plain.key, plain.partition)


def test_the_tables_are_documented():
    text = (ROOT / "docs/DATA.md").read_text(encoding="utf-8")
    for name, entry in ENTRIES.items():
        assert line_of(entry) in text, f"docs/DATA.md, The tables: the line of {name} is missing or out of date"


def line_of(entry: TableEntry) -> str:
    exported = "yes" if entry.export else ""
    return f"| `{entry.name}` | {entry.description} | {entry.key.replace(' ', ', ')} | {exported} |"


def test_a_changed_entry_is_not_documented():
    text = (ROOT / "docs/DATA.md").read_text(encoding="utf-8")
    assert line_of(TableEntry("vintages", "Something else", "cutoff", fixed({}))) not in text
