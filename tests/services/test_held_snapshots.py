"""Snapshots that stay open: they are shared while a table has no commit, and never read in place of a newer one."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from forecasting.io.delta import held
from forecasting.io.table import Table
from forecasting.services.store import Store
from forecasting.services.store.maintenance import compact

SOLD = Table("sold", ("item", "day"), pl.Schema({"item": pl.String, "day": pl.Int64, "y": pl.Float64}), ("item",))


def sold(day: int) -> pl.DataFrame:
    return pl.DataFrame({"item": ["a", "b"], "day": [day, day], "y": [1.0, 2.0]}, schema=SOLD.schema)


@pytest.fixture
def store(tmp_path) -> Store:
    made = Store(str(tmp_path), {"sold": SOLD})
    made.append("sold", sold(1))
    return made


def days(store: Store) -> list[int]:
    return store.scan("sold").select(pl.col("day").unique().sort()).collect()["day"].to_list()


def test_a_table_without_a_new_commit_is_not_opened_again(store):
    first = store.snapshot("sold")
    assert store.snapshot("sold") is first
    assert replace(store, pins={"sold": 0}).snapshot("sold") is not first  # a pin may be older than the newest
    pinned = replace(store, pins={"sold": 0})
    assert pinned.snapshot("sold") is pinned.snapshot("sold")


def test_each_commit_is_seen_also_one_that_was_written_with_another_store(store, tmp_path):
    assert days(store) == [1]
    store.append("sold", sold(2))
    assert days(store) == [1, 2]
    Store(str(tmp_path), {"sold": SOLD}).append("sold", sold(3))
    assert (days(store), store.version("sold")) == ([1, 2, 3], 2)
    assert days(replace(store, pins={"sold": 1})) == [1, 2]


def test_a_table_that_was_made_anew_is_another_one_though_its_version_is_the_same(store, tmp_path):
    assert days(store) == [1]
    shutil.rmtree(tmp_path / "sold")
    store.append("sold", sold(7))
    assert (days(store), store.version("sold")) == ([7], 0)
    shutil.rmtree(tmp_path / "sold")
    assert store.snapshot("sold") is None


def test_a_pinned_version_whose_files_a_vacuum_removed_is_read_from_the_newest(store, tmp_path):
    for day in range(2, 30):
        store.append("sold", sold(day))
    pinned = replace(store, pins={"sold": store.version("sold")})
    assert days(pinned) == list(range(1, 30))
    assert compact(store)["sold"]
    left = {Path(file).name for file in store.newest_snapshot("sold").file_uris()}
    for file in (tmp_path / "sold").rglob("*.parquet"):
        if file.name not in left:  # as a vacuum does when they are old enough
            file.unlink()
    assert days(pinned) == list(range(1, 30))


def test_only_so_many_snapshots_are_held(tmp_path):
    for i in range(held.MOST + 5):
        store = Store(str(tmp_path / str(i)), {"sold": SOLD})
        store.append("sold", sold(i))
        assert days(store) == [i]
    assert len(held._snapshots) == held.MOST
