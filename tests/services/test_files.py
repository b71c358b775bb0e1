"""Small files beside the tables."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.io import files, storage
from forecasting.services.store import Store
from forecasting.services.store.report_files import read_report_file, write_report_file
from forecasting.services.store.scratch import scan_frame, scratch_folder, write_frame


def test_a_file_comes_back_and_the_later_one_wins(tmp_path):
    store = Store(f"{tmp_path}/lake/job", {})
    write_report_file(store, "reports/drift.html", b"old and longer")
    write_report_file(store, "reports/drift.html", b"new")
    assert read_report_file(store, "reports/drift.html") == b"new"
    assert [p.name for p in (tmp_path / "lake/job/reports").iterdir()] == ["drift.html"]


def test_an_unwritten_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_report_file(Store(f"{tmp_path}/lake/job", {}), "reports/none.html")


def test_an_object_store_goes_by_the_variables_of_the_tables(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    found = storage.object_store("s3://lake/jobs/corner")
    assert found.base_path == "lake/jobs/corner/"
    assert found.base_fs.region == "eu-central-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert storage.object_store("s3://lake/jobs/corner").base_fs.region == "eu-west-1"


def test_a_folder_travels_as_one_file_and_is_removed(tmp_path):
    folder, copy, root = tmp_path / "folder", tmp_path / "copy", f"{tmp_path}/lake/scratch"
    (folder / "model-0").mkdir(parents=True)
    (folder / "model-0/model.txt").write_text("tree")
    (folder / "rows.parquet").write_bytes(bytes(range(256)))
    files.write_folder(root, "all.zip", folder)
    files.read_folder(root, "all.zip", copy)
    assert (copy / "model-0/model.txt").read_text() == "tree"
    assert (copy / "rows.parquet").read_bytes() == bytes(range(256))
    files.remove(root)
    files.remove(root)
    with pytest.raises(FileNotFoundError):
        files.read_folder(root, "all.zip", copy)


def test_a_scratch_folder_is_one_of_its_own_and_gone_at_the_end(tmp_path):
    frame = pl.DataFrame({"unique_id": ["a"], "yhat": [0.1]})
    with scratch_folder(str(tmp_path)) as mine, scratch_folder(str(tmp_path)) as other, scratch_folder(None) as here:
        for folder in (mine, here):
            write_frame(folder, "base-0", frame)
            assert_frame_equal(scan_frame(folder, "base-0").collect(), frame)
        write_frame(other, "base-0", frame.clear())
        assert scan_frame(mine, "base-0").collect().height == 1
    assert list(tmp_path.iterdir()) == []
    assert not Path(here).exists()
