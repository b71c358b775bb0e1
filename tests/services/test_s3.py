"""The lake on s3://, on a real server: what is written comes back, nobody's rows are lost, forecasts are published."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.errors import UserError
from forecasting.io import files
from forecasting.services.store import Store
from forecasting.services.store.maintenance import compact, vacuum
from forecasting.services.store.report_files import read_report_file, write_report_file
from forecasting.services.store.scratch import scan_frame, scratch_folder, write_frame
from forecasting.services.store.vintages import publish_vintage, published_vintages, scan_published
from forecasting.steps.session import open_session
from tests import chain
from tests.servers import free_port, upload
from tests.services.test_store import TABLES, forecasts, panel, stored

WRITERS, ROUNDS = 3, 4


@pytest.fixture
def store(s3: str) -> Store:
    return Store(f"{s3}/lake", TABLES)


def test_a_merge_comes_back_and_an_equal_one_writes_nothing(store):
    assert store.merge("panel", panel(("a", 1, 1.0), ("b", 1, 2.0))) == 2
    assert store.merge("panel", panel(("a", 1, 1.0), ("b", 1, 3.0), ("c", 1, None))) == 2
    before = store.version("panel")
    assert store.merge("panel", panel(("b", 1, 3.0))) == 0
    assert store.version("panel") == before == 1
    assert_frame_equal(stored(store), panel(("a", 1, 1.0), ("b", 1, 3.0), ("c", 1, None)))
    assert store.scan("panel", version=0).collect()["y"].sum() == 3


def test_slices_are_replaced_and_only_published_forecasts_are_seen(store):
    first, second = date(2024, 1, 24), date(2024, 1, 31)
    for cutoff in (first, second):
        store.replace("forecasts", forecasts(cutoff, 1, 1.0), cutoff=cutoff)
    store.replace("forecasts", forecasts(first, 1, 5.0), cutoff=first)
    assert scan_published(store).collect().is_empty()
    publish_vintage(store, {"cutoff": first, "version": 1, "champion": "ladder"})
    assert_frame_equal(scan_published(store).collect().sort("unique_id"), forecasts(first, 1, 5.0))
    assert published_vintages(store)["cutoff"].to_list() == [first]


def test_a_scratch_folder_is_gone_at_the_end(s3):
    frame = pl.DataFrame({"unique_id": ["a"], "yhat": [0.1]})
    with scratch_folder(f"{s3}/lake/.scratch") as folder:
        write_frame(folder, "base-0", frame)
        assert_frame_equal(scan_frame(folder, "base-0").collect(), frame)
    with pytest.raises(FileNotFoundError):
        files.read(folder, "base-0.parquet")


def test_small_files_and_upkeep(store):
    for day in (1, 2, 3):
        store.merge("panel", panel(("a", day, 1.0)))
    version = store.version("panel")
    compact(store)
    vacuum(store, 7)
    assert (store.version("panel"), stored(store)["y"].sum()) == (version, 3)
    write_report_file(store, "reports/drift.html", b"<p>none</p>")
    assert read_report_file(store, "reports/drift.html") == b"<p>none</p>"
    with pytest.raises(FileNotFoundError):
        read_report_file(store, "reports/none.html")


def test_writers_at_the_same_time_lose_nothing(store):
    """All of them create the table at once, then merge into the same bucket: conditional puts let one commit win."""
    together = Barrier(WRITERS, timeout=60)

    def write(me: int) -> None:
        for day in range(1, ROUNDS + 1):
            together.wait()
            store.merge("panel", panel((f"own-{me}", day, float(me)), ("common", day, float(me))))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    rows = stored(store)
    counts = {f"own-{me}": ROUNDS for me in range(WRITERS)} | {"common": ROUNDS}
    assert dict(rows["unique_id"].value_counts().iter_rows()) == counts
    assert store.version("panel") == WRITERS * ROUNDS - 1


def test_loads_on_s3_end_as_on_disk(s3, tmp_path):
    """Raw file and lake on s3://: a first load, then one with newer days and a corrected one."""
    rows = chain.sample().filter(pl.col("ds") > chain.LAST - timedelta(120))
    local = chain.make(rows.clear(), models=["ladder"])
    raw = {"source__path": f"{s3}/raw/sales.parquet", "store__root": f"{s3}/lake"}
    late = pl.col("ds") >= chain.LAST - timedelta(30)
    for load in (rows.filter(~late).with_columns(y=pl.col("y") + (pl.col("ds").dt.day() == 1)), rows):
        load.write_parquet(local.folder / "sales.parquet")
        (tmp_path / "raw").mkdir(exist_ok=True)
        load.write_parquet(tmp_path / "raw" / "sales.parquet")
        upload(tmp_path / "raw", f"{s3}/raw")
        there, here = local.run(["ingest"], **raw)[0], local.run(["ingest"])[0]
        assert there.facts["rows_written"] == here.facts["rows_written"] > 0
    for name, key in {"panel": ["unique_id", "ds"], "series": ["unique_id"], "groups": ["group", "ds"]}.items():
        found = open_session(local.config(**raw)).store.scan(name).collect()
        assert_frame_equal(found.sort(key), local.table(name).sort(key))
    assert local.run(["ingest"], **raw)[0].reused


@pytest.mark.slow
def test_forecasts_made_on_s3_are_those_made_on_disk(s3):
    rows = chain.sample().filter(pl.col("ds") > chain.LAST - timedelta(120), pl.col("store") == "S1")
    job = chain.make(rows, models=["ladder"], backtest={"windows": 1, "step": chain.H, "calibration": 0})
    job.run()
    job.run(store__root=f"{s3}/lake")
    there = scan_published(open_session(job.config(store__root=f"{s3}/lake")).store).collect()
    chain.assert_alike(there, scan_published(open_session(job.config()).store).collect())


def test_a_store_that_does_not_answer_is_told(store, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UserError, match=r"The table at s3://.* cannot be read .*AWS_\* variables"):
        store.scan("panel")
