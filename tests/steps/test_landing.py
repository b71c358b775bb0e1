"""The landing folder: each file once, corrections, sums over files, two runs at once, and a kill at any moment."""

import os
import signal
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.errors import UserError
from forecasting.io.delta import commits
from tests import chain
from tests.chain import Job

DAY = date(2024, 1, 1)
TABLE = {"kind": "table", "reads": "new_files", "columns": {"unique_id": "shop", "ds": "day", "y": "sold"}}
LINES = {
    "kind": "transactions", "reads": "new_files",
    "columns": {"unique_id": "item", "ds": "time", "y": "quantity"}, "options": {"price": "price"},
}  # fmt: skip
TABLES = (("panel", ["unique_id", "ds"]), ("series", ["unique_id"]), ("groups", ["group", "ds"]))
COUNTED = ["file", "size", "content", "same_as"]


def job(source: dict = TABLE, clean: dict | None = None, **columns) -> Job:
    """A job over an empty landing folder."""
    keys = {"clean": clean or {}}
    keys |= {"future": {}, "h": 2, "models": ["ladder"], "levels_of_aggregation": [[]]}
    made = chain.make(chain.sample().head(0), source=source, columns=columns, **keys)
    (made.folder / "in").mkdir()
    return made


def ingest(some: Job, **overrides):
    return some.run(["ingest"], **{"source.path": str(some.folder / "in")} | overrides)[0]


def sales(some: Job, name: str, rows: dict[int, float], shop: str = "A") -> Path:
    """A file of sales by day."""
    lines = [f"{shop};{DAY + timedelta(k)};{y}" for k, y in rows.items()]
    file = some.folder / "in" / name
    file.write_text("\n".join(["shop;day;sold", *lines]) + "\n")
    return file


def sold(some: Job, shop: str = "A") -> list[float | None]:
    return some.table("panel", unique_id=shop).sort("ds")["y"].to_list()


def alike(one: Job, other: Job) -> None:
    for name, key in TABLES:
        assert_frame_equal(*(each.table(name).sort(key) for each in (one, other)), rel_tol=1e-12)
    assert_frame_equal(*(each.table("files").sort("file").select(COUNTED) for each in (one, other)))


def test_each_file_is_read_once_and_a_run_without_a_new_one_writes_nothing():
    some = job()
    sales(some, "1.csv", {0: 1, 1: 2})
    assert ingest(some).facts["files_read"] == ["1.csv"]
    before = chain.versions(some)
    again = ingest(some)
    assert (again.reused, again.facts["lines"], again.facts["keys"]) == (True, 0, 2)
    assert chain.versions(some) == before
    sales(some, "2.csv", {2: 3})
    told = ingest(some).facts
    assert (told["files_read"], told["lines"], told["data_version"]) == (["2.csv"], 1, 2)
    assert sold(some) == [1, 2, 3]
    assert some.table("files").sort("file")["load"].to_list() == [1, 2]


def test_files_that_were_read_may_be_cleared_away():
    some = job()
    file = sales(some, "1.csv", {0: 1})
    ingest(some)
    file.unlink()
    assert ingest(some).reused
    sales(some, "2.csv", {1: 2})
    ingest(some)
    assert sold(some) == [1, 2]


def test_a_known_name_with_other_content_is_a_correction_and_a_copy_is_told_and_not_read():
    some = job()
    file = sales(some, "1.csv", {0: 1, 1: 2})
    ingest(some)
    (some.folder / "in" / "copy.csv").write_bytes(file.read_bytes())
    told = ingest(some).facts
    assert (told["files_read"], told["files_already_loaded"], told["lines"]) == ([], ["copy.csv"], 0)
    sales(some, "1.csv", {0: 7})
    told = ingest(some).facts
    # what the copy holds is counted nowhere else any more, so it is read; by name it comes after 1.csv
    assert (told["files_read"], told["lines"]) == (["1.csv", "copy.csv"], 3)
    assert sold(some) == [1, 2]
    assert some.table("files")["same_as"].null_count() == 2


def test_of_two_new_files_that_tell_of_one_day_the_later_by_name_counts():
    some = job()
    sales(some, "b.csv", {0: 5})
    sales(some, "a.csv", {0: 1, 1: 2})
    told = ingest(some).facts
    assert sold(some) == [5, 2]
    assert told["lines"] == told["aggregated"] + told["quarantined"] + told["duplicates"] + sum(
        told["dropped"].values()
    )
    assert told["dropped"] == {"superseded": 1}


def test_other_tables_in_the_folder_are_left_alone():
    some = job()
    sales(some, "1.csv", {0: 1})
    pl.DataFrame({"shop": ["A"], "city": ["Rome"]}).write_parquet(some.folder / "in" / "shops.parquet")
    for _ in range(2):
        assert ingest(some).facts["files_without_columns"] == ["shops.parquet"]
    assert some.table("files")["file"].to_list() == ["1.csv"]


def test_a_file_with_another_header_is_told_with_its_rows_every_night():
    some = job()
    sales(some, "1.csv", {0: 1})
    (some.folder / "in" / "2.csv").write_text("Laden;Tag;Menge\nA;2024-01-02;5\n")
    for _ in range(2):
        told = ingest(some).facts
        assert told["files_without_columns"] == ["2.csv"]
        (remark,) = (r for r in told["remarks"] if r["check"] == "files")
        assert (
            "2.csv has other columns than the source (Laden, Tag, Menge): its 1 rows are left out" in remark["message"]
        )
        assert remark["harm"] == "numbers"
    (some.folder / "in" / "3.csv").write_text(" SHOP ;Day;Sold\nA;2024-01-02;5\n")
    assert ingest(some).facts["files_read"] == ["3.csv"]
    assert sold(some) == [1, 5]


def test_only_files_with_another_header_are_refused():
    some = job()
    (some.folder / "in" / "2.csv").write_text("Laden;Tag;Menge\nA;2024-01-02;5\n")
    with pytest.raises(UserError, match="no file of the folder has the columns of the source"):
        ingest(some)


def test_an_archive_in_the_landing_folder_is_one_file():
    some = job()
    with zipfile.ZipFile(some.folder / "in" / "week.zip", "w") as archive:
        for k in range(3):
            archive.writestr(f"{k}.csv", f"shop;day;sold\nA;{DAY + timedelta(k)};{k + 1}\n")
    told = ingest(some).facts
    assert (told["files_read"], sold(some)) == (["week.zip"], [1, 2, 3])
    assert ingest(some).reused


def test_a_source_that_reads_all_at_once_has_no_landing_folder(tmp_path):
    some = chain.make(source={"kind": "synthetic", "reads": "new_files"}, levels_of_aggregation=[[]])
    with pytest.raises(UserError, match=r"source\.reads"):
        some.run(["ingest"])


def test_force_reads_all_files_already_loaded():
    some = job()
    sales(some, "1.csv", {0: 1})
    ingest(some)
    from forecasting.steps import run_step

    told = run_step("ingest", some.config(source__path=str(some.folder / "in")), force=True)
    assert told.facts["files_read"] == ["1.csv"]
    assert told.facts["rows_written"] == 0


def lines(some: Job, name: str, rows: list[tuple[str, int, int, float]]) -> None:
    """A file of invoice lines: item, day, quantity, price."""
    text = [f"{item},{DAY + timedelta(k)},{n},{price}" for item, k, n, price in rows]
    (some.folder / "in" / name).write_text("\n".join(["item,time,quantity,price", *text]) + "\n")


def test_lines_of_one_day_in_two_files_add_up_and_a_corrected_file_replaces_its_share():
    some = job(LINES, known_after=["unit_price", "revenue"])
    lines(some, "1.csv", [("x", 0, 2, 1.0), ("x", 1, 3, 1.0)])
    ingest(some)
    lines(some, "2.csv", [("x", 1, 1, 3.0), ("x", 2, 4, 1.0)])
    ingest(some)
    assert sold(some, "x") == [2, 4, 4]
    panel = some.table("panel").sort("ds")
    assert panel["revenue"].to_list() == [2, 6, 4]
    assert panel["unit_price"].to_list() == [1, 1.5, 1]
    lines(some, "1.csv", [("x", 1, 5, 1.0)])
    ingest(some)
    assert sold(some, "x") == [6, 4], "nobody tells of the first day any more"
    clean = job(LINES, known_after=["unit_price", "revenue"])
    for file in (some.folder / "in").iterdir():
        (clean.folder / "in" / file.name).write_bytes(file.read_bytes())
    ingest(clean)
    alike(some, clean)


def test_returns_in_a_file_of_their_own_lessen_the_day():
    some = job(LINES, clean={"y_min": 0})
    lines(some, "1.csv", [("x", 0, 5, 1.0), ("x", 1, 1, 1.0)])
    lines(some, "2.csv", [("x", 0, -2, 1.0)])
    ingest(some)
    assert sold(some, "x") == [3, 1]
    lines(some, "3.csv", [("x", 1, -2, 1.0)])
    ingest(some)
    assert some.table("quarantine")["rule"].to_list() == ["below_y_min"]
    assert sold(some, "x") == [3], "a sum below y_min is no sale"


def test_more_returns_than_sales_make_a_day_below_zero():
    some = job(LINES)
    lines(some, "1.csv", [("x", 0, 5, 1.0), ("x", 1, 1, 1.0)])
    lines(some, "2.csv", [("x", 1, -3, 1.0)])
    ingest(some)
    assert sold(some, "x") == [5, -2]


def test_what_one_file_tells_about_its_numbers_reads_the_others_and_later_ones():
    some = job(LINES | {"options": {}})
    written = {
        "1.csv": "x;2024-01-01;1,180",
        "2.csv": "x;2024-01-02;880\nx;2024-01-02;1,060",
        "3.csv": "x;2024-01-03;2,50",
    }
    for name in ("1.csv", "2.csv"):
        (some.folder / "in" / name).write_text(f"item;time;quantity\n{written[name]}\n")
    ingest(some)
    assert sold(some, "x") == [1180, 1940]
    (some.folder / "in" / "3.csv").write_text(f"item;time;quantity\n{written['3.csv']}\n")
    with pytest.raises(UserError, match=r"was read as numbers like 1,234\.5 before, and now it holds '2,50'"):
        ingest(some)


class Killed(BaseException):
    """What ends a process, without anybody having a say."""


def landed() -> Job:
    """A job that has read one file; two more have come, one of them a correction."""
    some = job()
    sales(some, "1.csv", {0: 1, 1: 2})
    sales(some, "2.csv", {0: 5, 2: 6}, shop="B")
    ingest(some)
    sales(some, "1.csv", {0: 9, 1: 2})
    sales(some, "3.csv", {3: 4})
    return some


def _kill_after(patch: pytest.MonkeyPatch, stop: int) -> None:
    """The process ends right behind its commit number `stop`."""
    landed_commits: list[str] = []

    def commit(name: str, real, *words, **keys) -> None:
        real(*words, **keys)
        landed_commits.append(name)
        if len(landed_commits) == stop:
            raise Killed

    for name in ("create", "append", "upsert", "overwrite", "delete"):
        patch.setattr(commits, name, partial(commit, name, getattr(commits, name)))


def test_killed_after_any_commit_nothing_is_half_visible_and_the_next_run_mends_it(monkeypatch):
    before, clean = landed(), landed()
    ingest(clean)
    for stop in range(1, 20):
        some = before.copy()
        with monkeypatch.context() as patch:
            _kill_after(patch, stop)
            try:
                ingest(some)
            except Killed:
                pass
            else:
                break
        published = some.table("loads").height == clean.table("loads").height
        alike(some, clean if published else before)
        ingest(some)
        alike(some, clean)
        assert ingest(some).reused
    assert stop > 4, "so many commits make a load"


RUN = """
import os, signal, sys
from forecasting.config import load
from forecasting.io.delta import commits
from forecasting.steps import run_step
real, left = commits.append, int(sys.argv[3])
def append(*words, **keys):
    global left
    real(*words, **keys)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
commits.append = append
run_step("ingest", load(sys.argv[1], {"source.path": sys.argv[2]}))
"""


def start(some: Job, kill_after: int = 0) -> "subprocess.Popen[bytes]":
    words = [str(some.folder / "job.yaml"), str(some.folder / "in"), str(kill_after)]
    return subprocess.Popen([sys.executable, "-c", RUN, *words], env=os.environ)


def test_two_processes_at_once_count_each_file_once_also_when_one_is_killed():
    clean, some = landed(), landed()
    ingest(clean)
    killed = start(some, kill_after=1)
    both = [start(some) for _ in range(2)]
    assert killed.wait(300) in (0, -signal.SIGKILL)
    assert [process.wait(300) for process in both] == [0, 0]
    alike(some, clean)
    assert ingest(some).reused
    assert sorted(some.table("loads")["load"]) == [0, 1, 2]


def test_without_a_lock_too_no_load_builds_on_half_of_another_one(monkeypatch):
    """As on an object store: one overtakes the other in the middle, which finds out and starts again."""
    from contextlib import contextmanager

    from forecasting.steps.ingestion import series_statistics

    clean, some = landed(), landed()
    ingest(clean)
    real, calls = series_statistics.update_tables, []

    def overtaken(*words):
        calls.append(1)
        if len(calls) == 1:
            ingest(some)  # the other one, from begin to end, while this one is in the middle
        return real(*words)

    monkeypatch.setattr("forecasting.steps.ingest.exclusive_load", lambda _: contextmanager(lambda: iter([None]))())
    monkeypatch.setattr("forecasting.steps.ingest.time.sleep", lambda _: None)
    monkeypatch.setattr(series_statistics, "update_tables", overtaken)
    ingest(some)
    assert len(calls) == 3, "begun, done by the other one, and begun again without a file left to read"
    assert sorted(some.table("loads")["load"]) == [0, 1, 2]
    alike(some, clean)
