"""What cannot work among further tables is told at its key, before anything is read."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from forecasting.config import load
from forecasting.errors import UserError

JOB: dict[str, Any] = {
    "name": "x",
    "source": {"columns": {"unique_id": ["store", "item"], "ds": "d", "y": "y"}},
    "freq": "1d",
    "h": 7,
    "columns": {"static": ["size", "kind"], "known_ahead": ["price"], "stock": "left"},
}
STORES = {"path": "s.csv", "on": "store", "columns": ["size"]}
PRICES = {"path": "p.csv", "on": ["store", "item"], "start": "from", "columns": {"price": "euro"}}


def written(folder: Path, **tables: Any) -> Path:
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(JOB | {"tables": tables}, sort_keys=False))
    return file


def test_short_forms_mean_the_same(tmp_path):
    config = load(written(tmp_path, stores=STORES, prices=PRICES))
    assert config.tables["stores"].on == {"store": "store"}
    assert config.tables["stores"].columns == {"size": "size"}
    assert config.tables["prices"].on == {"store": "store", "item": "item"}
    assert [table.dated for table in config.tables.values()] == [False, True]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"a": PRICES | {"ds": "day"}}, r"tables\.a\.ds: a row is about one day or a range of days"),
        ({"a": STORES | {"end": "to"}}, r"tables\.a\.end: has no start"),
        ({"a": {"path": "x", "columns": ["size"]}}, r"tables\.a: has nothing to be joined by"),
        ({"a": STORES | {"columns": []}}, r"tables\.a\.columns: is empty"),
        ({"a": STORES | {"missing": {"price": 0}}}, r"tables\.a\.missing\.price: price is not in tables\.a\.columns"),
        ({"a": STORES | {"on": "shop"}}, r"tables\.a\.on: shop is not a column of the panel"),
        ({"a": STORES | {"on": "ds"}}, r"tables\.a\.on: ds cannot be used here"),
        ({"a": STORES | {"on": "size"}}, r"tables\.a\.on: size comes from this table itself"),
        (
            {"a": PRICES | {"on": "size"}, "b": STORES},
            r"tables\.a\.on: size comes from the table b, which is below",
        ),
        ({"a": STORES | {"columns": ["area"]}}, r"tables\.a\.columns\.area: area has no role"),
        ({"a": STORES | {"columns": ["item"]}}, r"tables\.a\.columns\.item: item is a key or the target"),
        ({"a": STORES, "b": STORES | {"on": "item"}}, r"tables\.b\.columns\.size: size comes from the table a already"),
        (
            {"a": PRICES | {"columns": ["kind"]}},
            r"tables\.a\.columns\.kind: kind is static, and the table is joined by date",
        ),
        ({"a": STORES | {"colums": 1}}, r"tables\.a\.colums: is not a key of the config; did you mean `columns`"),
        ({"a": {"on": "store", "columns": ["size"]}}, r"tables\.a\.path: is missing"),
    ],
)
def test_what_cannot_work_is_told(tmp_path, tables, said):
    with pytest.raises(UserError, match=rf"job\.yaml, line \d+: {said}"):
        load(written(tmp_path, **tables))


def test_a_table_may_stand_on_one_above_it_and_tell_the_stock(tmp_path):
    stock = {"path": "l.csv", "on": "size", "ds": "day", "columns": ["left"]}
    assert list(load(written(tmp_path, stores=STORES, stock=stock)).tables) == ["stores", "stock"]
