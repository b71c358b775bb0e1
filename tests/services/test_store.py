"""The store on real Delta folders: what is written when, what is touched, what readers see."""

import json
import multiprocessing
import pickle
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecasting.errors import UserError
from forecasting.io.table import Table
from forecasting.services.store import Store
from forecasting.services.store.maintenance import commit_history, compact, vacuum
from forecasting.services.store.vintages import publish_vintage, published_vintages, scan_published

BUCKETS = 4
NUMBERED = Table("numbered", ("name", "version"), pl.Schema({"name": pl.String, "version": pl.Int64, "by": pl.Int64}))
PANEL = Table(
    "panel",
    ("unique_id", "ds"),
    pl.Schema({"unique_id": pl.String, "ds": pl.Date, "bucket": pl.Int32, "y": pl.Float64, "flag": pl.String}),
    ("bucket",),
)
FORECASTS = Table(
    "forecasts",
    ("unique_id", "ds", "cutoff", "version"),
    pl.Schema(
        {
            "unique_id": pl.String,
            "ds": pl.Date,
            "cutoff": pl.Date,
            "version": pl.Int64,
            "bucket": pl.Int32,
            "yhat": pl.Float64,
            "lo-80": pl.Float64,
        }
    ),
    ("cutoff", "bucket"),
)
VINTAGES = Table(
    "vintages",
    ("cutoff", "version"),
    pl.Schema(
        {"cutoff": pl.Date, "version": pl.Int64, "champion": pl.String, "published_at": pl.Datetime("us", "UTC")}
        | {"forecasts_version": pl.Int64}
    ),
)
DRIFT = Table("drift", ("column",), pl.Schema({"column": pl.String, "Score X.y": pl.Float64, "run_at": pl.Date}))
TABLES = {t.name: t for t in (PANEL, FORECASTS, VINTAGES, DRIFT)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "lake"), TABLES)


def bucket_of(unique_id: str) -> int:
    return crc32(unique_id.encode()) % BUCKETS


def panel(*rows: tuple[str, int, float | None], flag: str = "observed") -> pl.DataFrame:
    """Rows of (unique_id, day of January 2024, y)."""
    return pl.DataFrame(
        [(uid, date(2024, 1, day), bucket_of(uid), y, flag) for uid, day, y in rows],
        schema=PANEL.schema,
        orient="row",
    )


def forecasts(cutoff: date, version: int, yhat: float, ids: str = "abc") -> pl.DataFrame:
    rows = [(uid, date(2024, 2, 1), cutoff, version, bucket_of(uid), yhat, yhat - 1) for uid in ids]
    return pl.DataFrame(rows, schema=FORECASTS.schema, orient="row")


def stored(store: Store, name: str = "panel") -> pl.DataFrame:
    return store.scan(name).collect().sort(TABLES[name].key)


def files(store: Store, name: str = "panel") -> set[Path]:
    """The data files a table has ever written (nothing is vacuumed here)."""
    return set(Path(store.root, name).rglob("*.parquet"))


def one_of_each_bucket() -> dict[int, str]:
    """bucket -> a series that lies in it."""
    return {bucket_of(uid): uid for uid in map(str, range(40))}


# what an unwritten table is


def test_an_unwritten_table_is_an_empty_frame_of_its_schema_and_leaves_no_trace(store: Store) -> None:
    for name, table in TABLES.items():
        frame = store.scan(name).collect()
        assert frame.schema == table.schema
        assert frame.is_empty()
    assert store.version("panel") is None
    assert commit_history(store, "panel").is_empty()
    assert store.scan("panel", bucket=[1, 2]).collect().is_empty()
    compact(store)
    vacuum(store, 7)
    assert not Path(store.root).exists()


def test_nothing_written_is_no_version(store: Store) -> None:
    store.append("panel", PANEL.empty())
    store.replace("panel", PANEL.empty())
    assert store.merge("panel", PANEL.empty()) == 0
    assert store.version("panel") is None
    store.merge("panel", panel(("a", 1, 1.0)))
    assert store.merge("panel", PANEL.empty()) == 0
    assert store.version("panel") == 0


# merge


def test_merge_inserts_updates_and_counts_only_what_differs(store: Store) -> None:
    assert store.merge("panel", panel(("a", 1, 1.0), ("a", 2, 2.0), ("b", 1, None))) == 3
    assert store.merge("panel", panel(("a", 1, 1.0), ("a", 2, 5.0), ("c", 9, 3.0))) == 2
    assert_frame_equal(stored(store), panel(("a", 1, 1.0), ("a", 2, 5.0), ("b", 1, None), ("c", 9, 3.0)))
    assert store.version("panel") == 1


def test_the_same_input_again_writes_nothing(store: Store) -> None:
    frame = panel(("a", 1, None), ("a", 2, float("nan")), ("b", 1, 0.0), ("b", 2, 1e-300))
    store.merge("panel", frame)
    before = files(store)
    for again in (frame, frame.reverse(), frame.head(1)):
        assert store.merge("panel", again) == 0
    assert store.version("panel") == 0
    assert files(store) == before


@pytest.mark.parametrize(
    ("before", "after"), [(None, 0.0), (0.0, None), (float("nan"), None), (None, float("nan")), (float("nan"), 1.0)]
)
def test_null_nan_and_zero_differ_from_each_other(store: Store, before: float | None, after: float | None) -> None:
    store.merge("panel", panel(("a", 1, before)))
    assert store.merge("panel", panel(("a", 1, after))) == 1
    assert_frame_equal(stored(store), panel(("a", 1, after)))


Y = st.none() | st.sampled_from([0.0, 1.0, 2.5, float("nan"), float("inf")])
LOADS = st.lists(st.dictionaries(st.tuples(st.sampled_from("abcde'"), st.integers(1, 3)), Y, max_size=8), max_size=4)


@settings(max_examples=15)
@given(LOADS)
def test_merging_is_updating_a_dict(loads: list[dict[tuple[str, int], float | None]]) -> None:
    known: dict[tuple[str, int], float | None] = {}
    with TemporaryDirectory() as folder:
        store = Store(folder, TABLES)
        for load in loads:
            changed = sum(key not in known or not same(known[key], y) for key, y in load.items())
            before = store.version("panel")
            assert store.merge("panel", panel(*((uid, day, y) for (uid, day), y in load.items()))) == changed
            known |= load
            assert store.version("panel") == (before if not changed else 0 if before is None else before + 1)
        want = panel(*((uid, day, y) for (uid, day), y in sorted(known.items())))
        assert_frame_equal(stored(store), want)


def same(left: float | None, right: float | None) -> bool:
    return repr(left) == repr(right)


def test_merge_leaves_other_buckets_alone(store: Store) -> None:
    ids = one_of_each_bucket()
    store.merge("panel", panel(*((uid, 1, 1.0) for uid in ids.values())))
    before = files(store)
    store.merge("panel", panel((ids[2], 1, 9.0)))
    assert [f.parent.name for f in files(store) - before] == ["bucket=2"]
    metrics = json.loads(commit_history(store, "panel")["metrics"][0])
    assert metrics["num_target_files_removed"] == 1
    assert metrics["num_target_files_skipped_during_scan"] == BUCKETS - 1


def test_new_days_are_added_without_reading_old_files(store: Store) -> None:
    store.merge("panel", panel(("a", 1, 1.0), ("a", 2, 2.0)))
    store.merge("panel", panel(("a", 3, 3.0)))
    metrics = json.loads(commit_history(store, "panel")["metrics"][0])
    assert (metrics["num_target_files_scanned"], metrics["num_target_files_removed"]) == (0, 0)


def test_the_diff_reads_only_what_lies_in_its_bounds(store: Store) -> None:
    ids = one_of_each_bucket()
    store.merge("panel", panel(*((uid, 1, 1.0) for uid in ids.values())))
    spoil(store, "panel", "bucket=3")
    assert store.merge("panel", panel((ids[0], 1, 1.0), (ids[1], 1, 5.0))) == 1


def test_columns_to_ignore_are_written_but_are_no_reason_to_write(store: Store) -> None:
    def drift(score: float, day: int) -> pl.DataFrame:
        return pl.DataFrame([("y", score, date(2024, 1, day))], schema=DRIFT.schema, orient="row")

    store.merge("drift", drift(0.1, 1))
    assert store.merge("drift", drift(0.1, 2), ignore=["run_at"]) == 0
    assert store.merge("drift", drift(0.2, 3), ignore=["run_at"]) == 1
    assert_frame_equal(stored(store, "drift"), drift(0.2, 3))


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (panel(("a", 1, 1.0), ("a", 1, 2.0)), "occurs twice"),
        (panel(("b", 2, 1.0), ("a", 1, 1.0), ("b", 2, 1.0)), "'b'"),
        (panel(("a", 1, 1.0)).with_columns(ds=pl.lit(None, pl.Date)), "is null"),
        (panel(("a", 1, 1.0)).drop("flag"), "flag"),
        (panel(("a", 1, 1.0)).with_columns(other=1), "other"),
    ],
)
def test_frames_that_do_not_fit_are_refused(store: Store, frame: pl.DataFrame, told: str) -> None:
    for write in (store.merge, store.replace, store.append):
        with pytest.raises(ValueError, match=told):
            write("panel", frame)
    assert store.version("panel") is None


def test_categories_are_stored_as_text(store: Store) -> None:
    kinds = {"flag": pl.Enum(["observed", "closed"]), "unique_id": pl.Categorical()}
    frame = panel(("a", 1, 1.0), ("b", 1, 1.0))
    store.merge("panel", frame.cast(kinds))
    assert store.merge("panel", frame) == 0
    typed = Store(store.root, {"panel": Table("panel", PANEL.key, pl.Schema(PANEL.schema | kinds), PANEL.partition)})
    assert typed.merge("panel", frame) == 0
    assert typed.scan("panel").collect_schema() == typed.tables["panel"].schema
    assert_frame_equal(stored(store), frame)


# columns that come, go and change their type


def wider(store: Store, kind: type[pl.DataType]) -> Store:
    """The same store after the config named one more column."""
    table = Table("panel", PANEL.key, pl.Schema(PANEL.schema | {"promo": kind}), PANEL.partition)
    return Store(store.root, TABLES | {"panel": table})


def test_a_new_column_is_null_in_old_rows_and_kept_from_then_on(store: Store) -> None:
    old = panel(("a", 1, 1.0), ("b", 1, 2.0))
    store.merge("panel", old)
    wide = wider(store, pl.Int8)
    assert_frame_equal(wide.scan("panel").collect().sort("unique_id"), old.with_columns(promo=pl.lit(None, pl.Int8)))
    assert wide.merge("panel", old.with_columns(promo=pl.lit(None))) == 0

    assert wide.merge("panel", old.head(1).with_columns(promo=1)) == 1
    want = old.with_columns(promo=pl.Series([1, None], dtype=pl.Int8))
    assert_frame_equal(wide.scan("panel").collect().sort("unique_id"), want)
    assert wide.scan("panel", version=0).collect()["promo"].null_count() == 2


def test_a_column_that_went_is_not_read_and_comes_back_with_its_values(store: Store) -> None:
    wide = wider(store, pl.Int8)
    wide.merge("panel", panel(("a", 1, 1.0), ("a", 2, 1.0)).with_columns(promo=1))
    assert store.scan("panel").collect_schema() == PANEL.schema
    assert store.merge("panel", panel(("a", 1, 7.0), ("a", 3, 1.0))) == 2
    assert wide.scan("panel").collect().sort("ds")["promo"].to_list() == [1, 1, None]


@pytest.mark.parametrize("write", ["replace", "append"])
def test_slices_take_new_and_missing_columns_too(store: Store, write: str) -> None:
    store.merge("panel", panel(("a", 1, 1.0)))
    wide = wider(store, pl.Float64)
    getattr(wide, write)("panel", panel(("a", 2, 1.0)).with_columns(promo=0.5))
    getattr(store, write)("panel", panel(("a", 3, 1.0)))
    days = {"replace": [3], "append": [1, 2, 3]}[write]
    assert stored(store)["ds"].dt.day().to_list() == days


def test_values_that_the_stored_type_cannot_hold_are_refused(store: Store) -> None:
    frame = panel(("a", 1, 1.0))
    wider(store, pl.Int8).merge("panel", frame.with_columns(promo=1))
    fractions = wider(store, pl.Float64)
    assert fractions.merge("panel", frame.with_columns(promo=1.0)) == 0
    with pytest.raises(UserError, match="promo of table panel is stored as Int8"):
        fractions.merge("panel", frame.with_columns(promo=0.5))
    assert fractions.scan("panel").collect()["promo"].to_list() == [1.0]


# reading


def spoil(store: Store, name: str, folder: str) -> None:
    """Take the data files of a partition away: whoever opens one fails."""
    gone = [f for f in files(store, name) if folder in f.parts]
    assert gone
    for file in gone:
        file.unlink()


def test_equals_reads_no_other_partition(store: Store) -> None:
    ids = one_of_each_bucket()
    store.merge("panel", panel(*((uid, 1, 1.0) for uid in ids.values())))
    spoil(store, "panel", "bucket=3")
    assert store.scan("panel", bucket=2).collect()["unique_id"].to_list() == [ids[2]]
    assert store.scan("panel", bucket=[0, 1], unique_id=ids[1]).collect()["unique_id"].to_list() == [ids[1]]
    with pytest.raises(FileNotFoundError):
        store.scan("panel").collect()


def test_date_partitions_are_skipped_too(store: Store) -> None:
    first, second = date(2024, 1, 1), date(2024, 1, 8)
    for cutoff in (first, second):
        store.replace("forecasts", forecasts(cutoff, 1, 1.0), cutoff=cutoff)
    spoil(store, "forecasts", "cutoff=2024-01-01")
    assert store.scan("forecasts", cutoff=second).collect().height == 3
    assert store.scan("forecasts", cutoff=second, bucket=bucket_of("b")).collect()["unique_id"].to_list() == ["b"]


def test_equals_knows_null(store: Store) -> None:
    store.merge("panel", panel(("a", 1, None), ("b", 1, 1.0)))
    assert store.scan("panel", y=None).collect()["unique_id"].to_list() == ["a"]


def test_old_versions_stay_readable(store: Store) -> None:
    loads = [panel(("a", 1, float(n))) for n in range(3)]
    for load in loads:
        store.merge("panel", load)
    for version, load in enumerate(loads):
        assert_frame_equal(store.scan("panel", version=version).collect(), load)
    assert_frame_equal(store.scan("panel").collect(), loads[-1])
    with pytest.raises(UserError, match="at version 7"):
        store.scan("panel", version=7)


def test_version_as_column_and_as_time_travel_are_not_mixed_up(store: Store) -> None:
    with pytest.raises(ValueError, match="has a column 'version'"):
        store.scan("forecasts", version=1)


# replace


def test_replace_puts_a_slice_in_place_in_one_version(store: Store) -> None:
    first, second = date(2024, 1, 1), date(2024, 1, 8)
    store.replace("forecasts", forecasts(first, 1, 1.0), cutoff=first)
    store.replace("forecasts", forecasts(second, 1, 2.0), cutoff=second)
    store.replace("forecasts", forecasts(first, 1, 9.0, "bd"), cutoff=first, version=1)
    assert store.version("forecasts") == 2
    want = pl.concat([forecasts(first, 1, 9.0, "bd"), forecasts(second, 1, 2.0)]).sort(FORECASTS.key)
    assert_frame_equal(stored(store, "forecasts"), want)


def test_replace_with_equal_content_writes_nothing(store: Store) -> None:
    cutoff = date(2024, 1, 1)
    frame = forecasts(cutoff, 1, float("nan")).with_columns(pl.lit(None, pl.Float64).alias("lo-80"))
    store.replace("forecasts", frame, cutoff=cutoff)
    store.replace("forecasts", frame.reverse(), cutoff=[cutoff])
    assert store.version("forecasts") == 0


def test_replace_touches_only_its_slice(store: Store) -> None:
    cutoff = date(2024, 1, 1)
    for version in (1, 2):
        store.replace("forecasts", forecasts(cutoff, version, 1.0), cutoff=cutoff, version=version)
    before = files(store, "forecasts")
    store.replace("forecasts", forecasts(cutoff, 2, 5.0, "b"), cutoff=cutoff, version=2, bucket=bucket_of("b"))
    assert {f.parent.name for f in files(store, "forecasts") - before} == {f"bucket={bucket_of('b')}"}
    got = store.scan("forecasts", unique_id="b").sort("version").collect()
    assert got["yhat"].to_list() == [1.0, 5.0]


def test_replace_by_nothing_empties_the_slice(store: Store) -> None:
    store.merge("panel", panel(("it's", 1, 1.0), ("b", 1, 2.0)))
    store.replace("panel", PANEL.empty(), unique_id="it's")
    assert stored(store)["unique_id"].to_list() == ["b"]
    store.replace("panel", PANEL.empty())
    assert stored(store).is_empty()


def test_replace_refuses_rows_outside_the_slice(store: Store) -> None:
    with pytest.raises(ValueError, match="outside the slice"):
        store.replace("forecasts", forecasts(date(2024, 1, 1), 1, 1.0), cutoff=date(2024, 1, 8))


def test_a_slice_may_be_told_by_odd_columns_and_null(store: Store) -> None:
    frame = pl.DataFrame([("a", 1.5, None), ("b", None, None)], schema=DRIFT.schema, orient="row")
    store.merge("drift", frame)
    store.replace("drift", DRIFT.empty(), **{"Score X.y": 1.5, "run_at": None})
    assert stored(store, "drift")["column"].to_list() == ["b"]


def test_a_slice_is_not_told_by_a_time(store: Store) -> None:
    at = datetime(2024, 1, 8, 12, tzinfo=UTC)
    publish_vintage(store, {"cutoff": date(2024, 1, 8), "version": 1, "champion": "ladder", "published_at": at})
    with pytest.raises(TypeError, match="cannot be filtered by"):
        store.replace("vintages", VINTAGES.empty(), published_at=at)


# upkeep


def test_upkeep_changes_neither_content_nor_data_version(store: Store) -> None:
    for n in range(4):
        store.merge("panel", panel(("a", n + 1, float(n))))
    before = stored(store)
    compact(store, more_than=1)
    vacuum(store, 1)
    assert commit_history(store, "panel")["operation"].to_list()[:2] == ["SET TBLPROPERTIES", "OPTIMIZE"]
    assert store.version("panel") == 3
    assert_frame_equal(stored(store), before)
    assert store.merge("panel", before) == 0
    assert_frame_equal(store.scan("panel", version=3).collect().sort("ds"), before)


def test_the_data_version_outlives_the_files_it_was_written_to(store: Store) -> None:
    for n in range(3):
        store.merge("panel", panel(("a", n + 1, float(n))))
    written = files(store)
    compact(store, more_than=1)
    for file in written:  # what a vacuum does once the retention is over
        file.unlink()
    assert store.scan("panel", version=2).collect().height == 3


def test_vacuum_keeps_at_least_a_day(store: Store) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        vacuum(store, 0)


def test_history_tells_what_happened_newest_first(store: Store) -> None:
    store.merge("panel", panel(("a", 1, 1.0)))
    store.merge("panel", panel(("a", 1, 2.0)))
    history = commit_history(store, "panel")
    assert history["version"].to_list() == [1, 0]
    assert history["operation"].to_list() == ["MERGE", "WRITE"]
    assert history["at"].is_sorted(descending=True)


def test_a_store_survives_pickling_without_its_credentials(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-the-wire")
    sent = pickle.dumps(Store("s3://bucket/lake", TABLES))
    assert b"not-for-the-wire" not in sent
    assert pickle.loads(sent) == Store("s3://bucket/lake", TABLES)


def test_a_place_that_cannot_be_read_is_told_in_a_sentence(store: Store) -> None:
    log = Path(store.root, "panel", "_delta_log")
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("no json")
    with pytest.raises(UserError, match=r"panel cannot be read .* check store.root"):
        store.scan("panel")


# vintages


def test_forecasts_are_seen_once_published(store: Store) -> None:
    cutoff = date(2024, 1, 31)
    store.replace("forecasts", forecasts(cutoff, 1, 1.0), cutoff=cutoff, version=1)
    assert scan_published(store).collect().is_empty()
    assert scan_published(store).collect_schema() == FORECASTS.schema

    publish_vintage(store, {"cutoff": cutoff, "version": 1, "champion": "lightgbm"})
    store.replace("forecasts", forecasts(cutoff, 2, 2.0), cutoff=cutoff, version=2)
    assert scan_published(store).collect()["version"].unique().to_list() == [1]
    assert scan_published(store, "forecasts", cutoff=cutoff, unique_id="a").collect()["yhat"].to_list() == [1.0]
    assert scan_published(store, version=2).collect().is_empty()

    publish_vintage(store, {"cutoff": cutoff, "version": 2, "champion": "lightgbm"})
    assert scan_published(store, version=[1, 2]).collect().height == 6


def test_rows_that_are_written_again_are_seen_once_published_again(store: Store) -> None:
    cutoff, later = date(2024, 1, 24), date(2024, 1, 31)
    row = {"cutoff": cutoff, "version": 1, "champion": "ladder"}
    store.replace("forecasts", forecasts(cutoff, 1, 1.0), cutoff=cutoff, version=1)
    publish_vintage(store, row | {"forecasts_version": store.version("forecasts")})
    first = scan_published(store).collect().sort("unique_id", "ds")
    store.replace("forecasts", forecasts(cutoff, 1, 5.0).filter(unique_id="a"), cutoff=cutoff, version=1, unique_id="a")
    assert_frame_equal(scan_published(store).collect().sort("unique_id", "ds"), first)
    publish_vintage(store, row | {"forecasts_version": store.version("forecasts")})
    assert set(scan_published(store, unique_id="a").collect()["yhat"]) == {5.0}
    store.replace("forecasts", forecasts(later, 1, 2.0), cutoff=later, version=1)
    publish_vintage(store, row | {"cutoff": later, "forecasts_version": store.version("forecasts")})
    assert scan_published(store).collect()["cutoff"].n_unique() == 2


def test_readers_open_no_cutoff_without_a_vintage(store: Store) -> None:
    done, under_way = date(2024, 1, 24), date(2024, 1, 31)
    store.replace("forecasts", forecasts(done, 1, 1.0), cutoff=done)
    publish_vintage(store, {"cutoff": done, "version": 1, "champion": "ladder"})
    store.replace("forecasts", forecasts(under_way, 1, 1.0), cutoff=under_way)
    spoil(store, "forecasts", "cutoff=2024-01-31")
    assert scan_published(store).collect().height == 3


def test_vintages_come_newest_first_and_the_later_publication_wins(store: Store) -> None:
    for cutoff, version in ((date(2024, 1, 8), 1), (date(2024, 1, 1), 1), (date(2024, 1, 8), 2)):
        publish_vintage(store, {"cutoff": cutoff, "version": version, "champion": "ladder"})
    publish_vintage(store, {"cutoff": date(2024, 1, 1), "version": 1, "champion": "lightgbm"})
    rows = published_vintages(store).select("cutoff", "version", "champion").rows()
    assert rows == [
        (date(2024, 1, 8), 2, "ladder"),
        (date(2024, 1, 8), 1, "ladder"),
        (date(2024, 1, 1), 1, "lightgbm"),
    ]


def test_publishing_the_same_again_is_no_version(store: Store) -> None:
    row = {"cutoff": date(2024, 1, 8), "version": 1, "champion": "ladder"}
    publish_vintage(store, row)
    first = published_vintages(store)
    publish_vintage(store, row)
    assert store.version("vintages") == 0
    assert_frame_equal(published_vintages(store), first)


# several processes at once

RACES = 8


def race(root: str, me: int, barrier) -> None:
    """What each of two processes does: create tables, merge into one and replace slices of one, all at once."""
    for n in range(RACES):
        barrier.wait()
        Store(f"{root}/created-{n}", TABLES).merge("panel", panel(("common", 1, float(me)), (f"own-{me}", 1, 0.0)))
    store = Store(root, TABLES)
    barrier.wait()
    for n in range(1, 7):
        store.merge("panel", panel((f"own-{me}", n, float(n)), ("common", 1, 10.0 * me + n)))
    barrier.wait()
    for n in range(1, 5):
        cutoff = date(2024, 1, n)
        store.replace("forecasts", forecasts(cutoff, me, float(n)), cutoff=cutoff, version=me)
    barrier.wait()
    for n in range(1, 6):
        assert Store(root, {"numbered": NUMBERED}).append_numbered("numbered", {"name": "a", "by": me}, name="a") >= n


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A lake that two processes have written to at the same time."""
    root = str(tmp_path_factory.mktemp("raced"))
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2, timeout=60)
    processes = [context.Process(target=race, args=(root, me, barrier)) for me in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    return Store(root, TABLES)


def test_two_creators_of_a_table_both_land(raced: Store) -> None:
    for n in range(RACES):
        rows = stored(Store(f"{raced.root}/created-{n}", TABLES))
        assert rows["unique_id"].to_list() == ["common", "own-1", "own-2"]


def test_of_two_processes_each_gets_numbers_of_its_own(raced: Store) -> None:
    """A name of its own counts for itself."""
    store = Store(raced.root, {"numbered": NUMBERED})
    rows = store.scan("numbered", name="a").collect().sort("version")
    assert rows["version"].to_list() == list(range(1, 11))
    assert rows["by"].value_counts(sort=False).sort("by").rows() == [(1, 5), (2, 5)]
    more = [store.append_numbered("numbered", {"name": name, "by": 3}, name=name) for name in ("b", "b", "a")]
    assert more == [1, 2, 11]


def test_two_processes_that_merge_both_land(raced: Store) -> None:
    frame = stored(raced)
    assert frame["unique_id"].value_counts().sort("unique_id").rows() == [("common", 1), ("own-1", 6), ("own-2", 6)]
    assert frame.filter(unique_id="common")["y"].item() in (16.0, 26.0)
    assert raced.version("panel") == 11  # twelve merges, none lost, none written twice


def test_two_processes_that_replace_slices_both_land(raced: Store) -> None:
    frame = stored(raced, "forecasts")
    assert frame.group_by("cutoff", "version").len()["len"].to_list() == [3] * 8


def test_a_race_that_is_always_lost_ends_in_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from deltalake.exceptions import CommitFailedError

    from forecasting.io.delta import commits

    def lose(*_: object) -> None:
        raise CommitFailedError("a concurrent transaction")

    store.merge("panel", panel(("a", 1, 1.0)))
    pauses: list[float] = []
    monkeypatch.setattr(commits, "upsert", lose)
    monkeypatch.setattr(commits.time, "sleep", pauses.append)
    with pytest.raises(UserError, match="another process writes to it"):
        store.merge("panel", panel(("a", 1, 2.0)))
    assert len(pauses) == commits.TRIES
    assert max(pauses) <= 2.0
