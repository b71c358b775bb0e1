"""A load of a large table: read in parts, it leaves the tables that a small one leaves, whatever happens on the way."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.data import buckets
from forecasting.steps import run_step
from forecasting.steps.ingestion import landing, load_state, volume
from tests import chain
from tests.chain import Job

TABLES = {"panel": ["unique_id", "ds"], "series": ["unique_id"], "groups": ["group", "ds"]}
BUCKETS = 3


class Killed(BaseException):
    """As with SIGKILL, no handler of errors catches it."""


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes tables of the small chain large ones: they are read in parts and sorted on the shelf."""

    def lower_limits() -> None:
        monkeypatch.setattr(load_state, "ROWS_AT_ONCE", 700)
        monkeypatch.setattr(buckets, "AT_ONCE", 1_500)
        monkeypatch.setattr(buckets, "ROWS_PER_BUCKET", 1_000)

    return lower_limits


def ingest(job: Job, **overrides: object) -> dict:
    return run_step("ingest", job.config(**{"store.buckets": BUCKETS} | overrides)).facts


def assert_same_tables(one: Job, other: Job) -> None:
    for name, key in TABLES.items():
        assert_frame_equal(*(each.table(name).sort(key) for each in (one, other)), rel_tol=1e-12)


def shelf(job: Job) -> Path:
    return job.folder / "lake" / "chain" / load_state.SHELF


def test_a_load_in_parts_leaves_the_same_tables(in_parts):
    small, large = chain.make(), chain.make()
    facts = ingest(small)
    in_parts()
    assert ingest(large) == facts
    assert_same_tables(small, large)
    assert not shelf(large).exists()
    assert ingest(large)["rows_written"] == 0


def test_the_first_load_fixes_as_many_buckets_as_its_portions_allow(in_parts):
    in_parts()
    job = chain.make()
    ingest(job, **{"store.buckets": "auto"})
    rows = chain.sample().height
    assert job.table("panel")["bucket"].n_unique() == buckets.bucket_count(rows) == 5
    whole = chain.make()
    ingest(whole, **{"store.buckets": 5})
    assert_same_tables(whole, job)


def test_a_load_that_is_killed_between_reading_and_merging_is_done_again(in_parts, monkeypatch):
    undisturbed, job = chain.make(), chain.make()
    ingest(undisturbed)
    in_parts()

    def killed(*_words, **_keys):
        assert len(list(shelf(job).iterdir())) > BUCKETS
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(volume, "check_volume", killed)
        with pytest.raises(Killed):
            ingest(job)
    assert job.table("panel").is_empty()
    shelf(job).mkdir(parents=True, exist_ok=True)
    (shelf(job) / "0.parquet").write_bytes(b"half of a file")  # a killed process does not tidy up
    ingest(job)
    assert_same_tables(undisturbed, job)
    assert not shelf(job).exists()


def test_maintenance_clears_what_a_killed_load_has_left(in_parts):
    job = chain.make()
    ingest(job)
    shelf(job).mkdir(parents=True)
    run_step("maintain", job.config())
    assert not shelf(job).exists()


def test_of_large_new_files_the_later_by_name_counts(in_parts):
    rows = chain.sample()
    first, second = rows, rows.filter(pl.col("ds") > chain.OVER).with_columns(y=pl.col("y") + 1)
    jobs = [chain.make(rows), chain.make(rows)]
    for job in jobs:
        (job.folder / "in").mkdir()
        first.write_parquet(job.folder / "in" / "1.parquet")
        second.write_parquet(job.folder / "in" / "2.parquet")
    small, large = jobs
    words = {"source.reads": "new_files"}
    facts = ingest(small, **words, **{"source.path": str(small.folder / "in")})
    in_parts()
    told = ingest(large, **words, **{"source.path": str(large.folder / "in")})
    assert told["dropped"] == facts["dropped"] == {"superseded": second.height}
    assert_same_tables(small, large)
    assert large.table("panel")["y_raw"].sum() == pytest.approx(rows["y"].sum() + second["y"].count())


def test_it_is_said_when_a_large_source_is_read_at_once(monkeypatch):
    monkeypatch.setattr(landing, "MOST_IN_MEMORY", 1_000)
    remarks = ingest(chain.make())["remarks"]
    assert [r["message"] for r in remarks if "into memory at once" in r["message"]]
