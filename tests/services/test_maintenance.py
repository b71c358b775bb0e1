"""Upkeep of Delta tables: what is merged, what is removed, and that readers see the same as before."""

import json
import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.io.table import Table
from forecasting.services.store import Store
from forecasting.services.store.maintenance import commit_history, compact, vacuum

DAY_MS = 86_400_000
TABLE = Table(
    "sold",
    ("unique_id", "ds"),
    pl.Schema({"unique_id": pl.String, "ds": pl.Date, "bucket": pl.Int32, "y": pl.Float64}),
    ("bucket",),
    apart={"recent": pl.col("ds") > date(2024, 1, 20)},
)
PLAIN = Table("plain", ("name",), pl.Schema({"name": pl.String, "value": pl.Int64}))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path), {"sold": TABLE, "plain": PLAIN})


def rows(first: int, last: int, y: float = 1.0, ids: int = 2) -> pl.DataFrame:
    found = [(f"s{k}", date(2024, 1, day), k % 2, y) for k in range(ids) for day in range(first, last + 1)]
    return pl.DataFrame(found, schema=TABLE.schema, orient="row")


def age(store: Store, name: str, days: int, of: int) -> None:
    """Make the commit `of` and the files that it removed so many days older, as if they had lain there."""
    log = Path(store.root, name, "_delta_log", f"{of:020}.json")
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "remove" in action:
            action["remove"]["deletionTimestamp"] -= days * DAY_MS
            file = Path(store.root, name, action["remove"]["path"])
            os.utime(file, (file.stat().st_mtime - days * 86_400,) * 2)
    log.write_text("\n".join(map(json.dumps, actions)))


def sizes(store: Store) -> dict[str, list[int]]:
    """Rows of the live files of each folder, the largest first."""
    snapshot = store.newest_snapshot("sold")
    assert snapshot is not None
    files = pl.DataFrame(snapshot.get_add_actions(flatten=True)).with_columns(
        folder=pl.col("path").str.extract("(.*)/")
    )
    by = files.group_by("folder").agg(pl.col("num_records").sort(descending=True))
    return dict(by.iter_rows())


def test_small_files_become_one_and_a_large_one_stays(store: Store) -> None:
    store.append("sold", rows(1, 9, ids=2_000).with_columns(y=pl.int_range(18_000).cast(pl.Float64)))
    for day in range(10, 15):
        store.append("sold", rows(day, day))
    store.append("sold", rows(25, 25))
    before, version = store.scan("sold").collect().sort(TABLE.key), store.version("sold")
    assert compact(store, more_than=6) == {}, "six files are not more than six"
    assert compact(store, more_than=4) == {"sold": 10}
    assert sizes(store) == {
        "bucket=0/recent=false": [9_000, 5], "bucket=1/recent=false": [9_000, 5],
        "bucket=0/recent=true": [1], "bucket=1/recent=true": [1],
    }  # fmt: skip
    assert store.version("sold") == version
    assert_frame_equal(store.scan("sold").collect().sort(TABLE.key), before)
    assert compact(store, more_than=4) == {}


def test_a_table_without_folders_is_compacted_too(store: Store) -> None:
    for k in range(5):
        store.append("plain", pl.DataFrame({"name": [f"n{k}"], "value": [k]}))
    assert compact(store, more_than=2) == {"plain": 5}
    assert store.scan("plain").collect().sort("name")["value"].to_list() == list(range(5))


def three_versions(store: Store) -> None:
    """Version 0 was replaced 40 days ago, version 1 ten days ago."""
    for y in (0.0, 1.0, 2.0):
        store.replace("sold", rows(1, 3, y))
    age(store, "sold", 40, of=1)
    age(store, "sold", 10, of=2)


def test_versions_are_removed_only_beyond_the_retention(store: Store) -> None:
    three_versions(store)
    assert vacuum(store, 60) == {}
    assert [store.is_readable("sold", v) for v in (0, 1, 2)] == [True, True, True]
    assert vacuum(store, 30) == {"sold": 2}
    assert [store.is_readable("sold", v) for v in (0, 1, 2)] == [False, True, True]
    assert set(store.scan("sold", version=1).collect()["y"]) == {1.0}
    assert vacuum(store, 5) == {"sold": 2}
    assert [store.is_readable("sold", v) for v in (0, 1, 2)] == [False, False, True]
    assert set(store.scan("sold").collect()["y"]) == {2.0}
    assert store.version("sold") == 2


def test_a_version_that_is_read_today_is_kept_however_old(store: Store) -> None:
    three_versions(store)
    assert vacuum(store, 5, keep={"sold": [0]}) == {"sold": 2}
    assert [store.is_readable("sold", v) for v in (0, 1, 2)] == [True, False, True]


def test_the_retention_outlives_a_checkpoint(store: Store) -> None:
    """Delta by itself forgets after a week which files it removed, and after a month its versions."""
    three_versions(store)
    vacuum(store, 30)
    snapshot = store.newest_snapshot("sold")
    assert snapshot is not None
    snapshot.create_checkpoint()
    snapshot.cleanup_metadata()
    assert vacuum(store, 30) == {}
    assert set(store.scan("sold", version=1).collect()["y"]) == {1.0}


def test_a_night_without_anything_to_do_makes_no_commit(store: Store) -> None:
    three_versions(store)
    vacuum(store, 30)
    before = commit_history(store, "sold")
    assert (compact(store), vacuum(store, 30)) == ({}, {})
    assert_frame_equal(commit_history(store, "sold"), before)


def test_what_a_killed_process_left_goes_once_it_is_old(store: Store) -> None:
    three_versions(store)
    folder = Path(store.root, "sold", "bucket=0", "recent=false")
    for name, days in (("old.parquet", 40), ("new.parquet", 0)):
        left = folder / name
        left.write_bytes(b"half")
        os.utime(left, (left.stat().st_mtime - days * 86_400,) * 2)
    assert vacuum(store, 30) == {"sold": 3}
    assert not (folder / "old.parquet").exists()
    assert (folder / "new.parquet").exists(), "its process may still be at work"


def test_a_reader_at_work_is_not_disturbed(store: Store) -> None:
    for day in range(1, 8):
        store.append("sold", rows(day, day))
    reader = store.scan("sold")  # opened before, read afterwards
    assert compact(store, more_than=2) == {"sold": 14}
    vacuum(store, 1)
    assert reader.collect().height == 14
