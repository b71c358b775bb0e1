"""The same rows from every kind of location: single files, folders named key=value, Delta tables, s3://."""

from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

from forecasting.config import load as load_config
from forecasting.data import sources
from forecasting.errors import UserError
from forecasting.io import storage
from tests import favorita
from tests.data.test_sources_competitions import small_m5, small_rossmann
from tests.servers import PASSWORD, free_port, upload

__all__ = ["small_m5", "small_rossmann"]

COLUMNS = {"unique_id": ["store", "item"], "ds": "day", "y": "units"}
ROLES = {"known_ahead": ["promo", "week"], "static": ["region", "code"]}
ORDER = ["unique_id", "ds"]


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Three stores with names that folders must quote, two items, five days; one row without a region."""
    days = [date(2024, 2, 27) + timedelta(days=d) for d in range(5)]
    keys = [(store, item, day) for store in ("n/1", "ö 2", "x=3") for item in ("a", "b") for day in days]
    frame = pl.DataFrame(keys, schema=["store", "item", "day"], orient="row")
    n = pl.int_range(pl.len())
    return frame.with_columns(
        units=n * 1.5, promo=n % 2, week=n // 7 + 9, region=pl.when(n > 9).then(pl.lit("west")), code=pl.lit("007")
    )


@pytest.fixture
def loaded(make_config):
    """A function that loads a path with the table source."""

    def load(place: object, **options: object) -> sources.RawData:
        source = {"kind": "table", "path": str(place), "columns": COLUMNS, "options": options}
        return sources.load(make_config(source=source, columns=ROLES))

    return load


@pytest.fixture
def expected(loaded, rows, tmp_path) -> pl.DataFrame:
    """The panel of the rows from one plain file."""
    rows.write_parquet(tmp_path / "plain.parquet")
    return panel(loaded(tmp_path / "plain.parquet"))


def panel(loaded: sources.RawData) -> pl.DataFrame:
    assert loaded.lines == loaded.long.height
    assert loaded.long["fault"].null_count() == loaded.lines
    return loaded.long.drop("file", "line", "fault", "fault_value").sort(ORDER)


def hive(rows: pl.DataFrame, folder: Path, *keys: str) -> Path:
    """Parquet files in folders key=value/key=value, as Spark and others write them."""
    for values, part in rows.partition_by(*keys, as_dict=True, include_key=False).items():
        names = ("__HIVE_DEFAULT_PARTITION__" if v is None else quote(str(v), safe=" ö") for v in values)
        inner = folder.joinpath(*(f"{k}={name}" for k, name in zip(keys, names, strict=True)))
        inner.mkdir(parents=True, exist_ok=True)
        part.write_parquet(inner / "part-0.parquet")
    (folder / "_SUCCESS").touch()
    return folder


def as_delta(rows: pl.DataFrame, place: str) -> str:
    """A Delta table of these rows after a correction, a change of partitions and a compaction."""
    options = {"storage_options": storage.storage_options(place), "partition_by": ["store", "region"]}
    write_deltalake(place, rows.with_columns(units=pl.lit(-1.0)), **options)
    write_deltalake(place, rows.head(20), mode="overwrite", **options)
    write_deltalake(place, rows[20:25], mode="append", **options)
    write_deltalake(place, rows[25:], mode="append", **options)
    DeltaTable(place, storage_options=storage.storage_options(place)).optimize.compact()
    return place


@pytest.mark.parametrize("keys", [("store",), ("store", "day"), ("region", "code"), ("day", "promo", "week")])
def test_folder_names_are_columns(keys, rows, loaded, expected, tmp_path):
    # Values from folder names are text that is parsed: a day, a number where all are numbers, else a name.
    assert_frame_equal(panel(loaded(hive(rows, tmp_path / "hive", *keys))), expected, check_dtypes=False)


def test_an_original_row_has_the_columns_of_its_folders(rows, loaded, tmp_path):
    found = loaded(hive(rows, tmp_path / "hive", "store", "region"))
    keys = found.long.filter(unique_id=r"n\/1/a", ds=date(2024, 2, 28))
    row = found.original_rows(keys)["row"].item()
    assert '"store": "n/1"' in row
    assert '"region": null' in row


def test_other_subfolders_are_ignored(rows, loaded, expected, tmp_path):
    folder = hive(rows, tmp_path / "hive", "store")
    (folder / "old").mkdir()
    rows.write_parquet(folder / "old" / "copy.parquet")
    assert_frame_equal(panel(loaded(folder)), expected)


def test_the_newest_version_of_a_delta_table_is_read(rows, loaded, expected, tmp_path):
    place = as_delta(rows, str(tmp_path / "a lake ö"))
    loose, live = len(list(Path(place).rglob("*.parquet"))), len(DeltaTable(place).file_uris())
    assert (loose, live) == (8, 3), "most files no longer count"
    found = loaded(place)
    assert_frame_equal(panel(found), expected)
    assert found.long["file"].unique().to_list() == [place]


def test_an_older_version_of_a_delta_table_is_read(rows, loaded, expected, tmp_path):
    place = as_delta(rows, str(tmp_path / "lake"))
    assert panel(loaded(place, version=0))["y"].unique().to_list() == [-1.0]
    first = rows.head(20).select(
        unique_id=pl.concat_str(pl.col("store").replace("n/1", r"n\/1"), "item", separator="/"), ds="day"
    )
    assert_frame_equal(panel(loaded(place, version=1)), expected.join(first, on=ORDER, how="semi"))


def test_original_rows_of_a_delta_table_are_of_the_version_that_was_read(rows, loaded, tmp_path):
    place = as_delta(rows, str(tmp_path / "lake"))
    found = loaded(place)
    write_deltalake(place, rows.head(1), mode="overwrite")
    line = found.long.filter(unique_id="x=3/b", ds=date(2024, 3, 1))
    assert '"units": 42.0' in found.original_rows(line)["row"].item()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 99}, r"source.options.version: the Delta table .* cannot be read at version 99"),
        ({"version": "new"}, r"source.options.version: must be a whole number, and it is 'new'"),
        ({"versoin": 1}, r"source.options.versoin: is not known: the source table takes only version"),
    ],
)
def test_an_impossible_version_is_refused(options, message, rows, loaded, tmp_path):
    with pytest.raises(UserError, match=message):
        loaded(as_delta(rows, str(tmp_path / "lake")), **options)


def test_files_have_no_versions(rows, loaded, tmp_path):
    rows.write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(
        UserError, match=r"source.options.version: is not known: the source table takes no options here"
    ):
        loaded(tmp_path / "rows.parquet", version=1)


# --- s3:// -----------------------------------------------------------------------------------------------------------


def assert_same(remote: sources.RawData, local: sources.RawData, url: str, folder: Path) -> None:
    """The loads are equal except for the names of the files, which begin with their location."""
    moved = local.long.with_columns(pl.col("file").str.replace(str(folder), url, literal=True))
    assert_frame_equal(remote.long, moved)
    assert (remote.lines, dict(remote.dropped)) == (local.lines, dict(local.dropped))
    keys = remote.long.filter(pl.col("line").is_not_null()).head(3)
    original = local.original_rows(local.long.filter(pl.col("line").is_not_null()).head(3))
    assert remote.original_rows(keys)["row"].to_list() == original["row"].to_list()


FILES = {
    "one.csv": lambda rows, file: rows.write_csv(file),
    "dots and ö [1].parquet": lambda rows, file: rows.write_parquet(file),
    "packed.csv.gz": lambda rows, file: rows.write_csv(file, compression="gzip", check_extension=False),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_on_s3(name, rows, loaded, s3, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    FILES[name](rows, folder / name)
    url = upload(folder, f"{s3}/raw")
    assert_same(loaded(f"{url}/{name}"), loaded(folder / name), url, folder)


@pytest.mark.parametrize("path", ["", "/", "/2024-*.csv", "/**/*.csv", "/2024-0[12].csv"])
def test_folders_and_globs_on_s3(path, rows, loaded, s3, tmp_path):
    folder = tmp_path / "raw"
    (folder / "more" / "deep").mkdir(parents=True)
    for (month,), part in rows.group_by(pl.col("day").dt.strftime("%Y-%m"), maintain_order=True):
        part.write_csv(folder / f"{month}.csv")
    rows.with_columns(store=pl.lit("other")).write_csv(folder / "more" / "deep" / "2024-05.csv")
    (folder / "notes.md").write_text("not a table")
    url = upload(folder, f"{s3}/raw")
    assert_same(loaded(url + path), loaded(f"{folder}{path}"), url, folder)


def test_a_complete_bucket(rows, loaded, s3, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    rows.write_csv(folder / "rows.csv")
    assert_same(loaded(upload(folder, s3)), loaded(folder), s3, folder)


def test_folder_names_are_columns_on_s3(rows, loaded, s3, tmp_path):
    folder = hive(rows, tmp_path / "hive", "store", "day")
    url = upload(folder, f"{s3}/hive")
    assert_same(loaded(url), loaded(folder), url, folder)


def test_a_delta_table_on_s3(rows, loaded, expected, s3):
    url = as_delta(rows, f"{s3}/shop/sales")
    assert_frame_equal(panel(loaded(url)), expected)
    assert panel(loaded(url, version=0))["y"].unique().to_list() == [-1.0]


@pytest.mark.parametrize("layout", ["small_rossmann", "small_m5"])
def test_a_competition_on_s3(layout, request, s3, tmp_path):
    config = request.getfixturevalue(layout)
    url = upload(tmp_path, f"{s3}/competition")
    moved = config.model_copy(update={"source": config.source.model_copy(update={"path": url})})
    assert_same(sources.load(moved), sources.load(config), url, tmp_path)


def test_the_grocery_layout_on_s3(configs, s3, tmp_path):
    favorita.write(tmp_path)
    url = upload(tmp_path, f"{s3}/grocery")
    local, remote = (load_config(configs / "favorita.yaml", {"source.path": str(p)}) for p in (tmp_path, url))
    assert_same(sources.load(remote), sources.load(local), url, tmp_path)


def test_invoice_lines_on_s3(make_config, s3, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "may.csv").write_text("item,when,units\npear,2024-05-01 09:00,3\npear,2024-05-01 17:00,2\n")
    url = upload(tmp_path / "raw", f"{s3}/receipts")
    source = {"kind": "transactions", "columns": {"unique_id": "item", "ds": "when", "y": "units"}}
    local, remote = (sources.load(make_config(source=source | {"path": str(p)})) for p in (tmp_path / "raw", url))
    assert_same(remote, local, url, tmp_path / "raw")
    assert remote.long["y"].to_list() == [5]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"source": {"path": "none.csv"}}, "source.path: there is no file or folder none.csv"),
        ({"source": {"kind": "m5"}}, "source.path: is missing"),
        ({"source": {"kind": "sap"}}, "source.kind: 'sap' is not a source"),
        (
            {"source": {"kind": "sql", "options": {"query": "SELECT 1", "url_env": "UNSET_HERE"}}},
            "UNSET_HERE is not set",
        ),
        ({"source": {"kind": "synthetic", "options": {"shops": 2}}}, "source.options.shops: is not an option"),
        (
            {
                "source": {"kind": "synthetic"},
                "tables": {"items": {"path": "none.csv", "on": "unique_id", "columns": "size"}},
                "columns": {"static": ["size"]},
            },
            "tables.items.path: there is no file or folder none.csv",
        ),
    ],
)
def test_a_missing_path_is_refused_without_reading(keys, message, make_config):
    with pytest.raises(UserError, match=message):
        sources.check_available(make_config(**keys))


def test_a_landing_folder_is_no_delta_table(make_config, rows, tmp_path):
    source = {"path": as_delta(rows, str(tmp_path / "lake")), "columns": COLUMNS, "reads": "new_files"}
    with pytest.raises(
        UserError, match=r"source.reads: new_files is for folders of files, and .*lake is a Delta table"
    ):
        sources.landing_files(make_config(source=source))


def test_a_missing_object_is_reported(s3, loaded):
    with pytest.raises(UserError, match=r"source.path: there is no file or folder s3://bucket\d+/none: mend the path"):
        loaded(f"{s3}/none")
    with pytest.raises(UserError, match=r"source.path: there is no file or folder s3://no-such-bucket/none"):
        loaded("s3://no-such-bucket/none")


def test_an_unreachable_object_store_is_reported(s3, loaded, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(
        UserError, match=r"s3://shop/sales.*: the object store does not respond .* AWS_\* variables"
    ) as e:
        loaded("s3://shop/sales")
    assert PASSWORD not in str(e.value)
    assert "\n" not in str(e.value)
