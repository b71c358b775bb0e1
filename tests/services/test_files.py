"""Small files beside the tables."""

import pytest

from forecasting.io import storage
from forecasting.services.store import Store
from forecasting.services.store.report_files import read_report_file, write_report_file


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
