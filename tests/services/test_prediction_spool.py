"""The spool of served predictions: nothing that was served is lost or stored twice, whoever dies when."""

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from forecasting.config import Config
from forecasting.services.prediction_spool import Spool, read_lines
from forecasting.services.store import Store
from forecasting.steps.serving.prediction_log import PredictionLog, Request, store_predictions
from forecasting.steps.session import open_session

AT = datetime(2026, 1, 31, 9, 59, 59, tzinfo=UTC)
NINE = "date=2026-01-31/hour=09"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    keys = {"name": "job", "source": {"path": "sales.csv"}, "freq": "1d", "h": 7, "level": [80]}
    return open_session(Config.model_validate(keys | {"store": {"root": str(tmp_path / "lake")}})).store


class Vintage:
    """What the log needs of a Served."""

    config = Config.model_validate({"name": "job", "source": {"path": "a"}, "freq": "1d", "h": 7, "level": [80]})
    identity, cutoff, version = "v1", date(2026, 1, 30), 3


def rows(n: int) -> pl.DataFrame:
    numbers = dict.fromkeys(("yhat", "q50", "lo-80", "hi-80"), 1.5)
    texts = {"source": "LightGBM", "model": "LightGBM", "changes": None}
    frame = pl.DataFrame([{"unique_id": f"s{i}", "ds": date(2026, 2, 1)} | numbers | texts for i in range(n)])
    return frame.with_columns(pl.col("changes").cast(pl.String))


def record(spool: Spool, n: int) -> None:
    PredictionLog(spool).record(Vintage(), rows(n), Request("predict", "ann"))


def stored(store: Store) -> list[str]:
    return sorted(store.scan("predictions").collect()["unique_id"])


def test_lines_lie_by_date_and_hour(tmp_path):
    spool = Spool(tmp_path)
    spool.append([b"one\n"], AT)
    spool.append([b"two\n"], AT)
    spool.append([b"three\n"], AT.replace(hour=10))
    files = {path.parent.relative_to(tmp_path).as_posix(): read_lines(path) for path in tmp_path.rglob("*.jsonl")}
    assert files == {NINE: [b"one", b"two"], "date=2026-01-31/hour=10": [b"three"]}


def test_what_another_process_writes_is_left_alone(tmp_path):
    mine, other = Spool(tmp_path), Spool(tmp_path)
    other.append([b"theirs\n"], AT)
    mine.append([b"mine\n"], AT)
    assert [read_lines(path) for path in mine.take()] == [[b"mine"]]
    other.close()
    assert sorted(read_lines(path)[0] for path in mine.take()) == [b"mine", b"theirs"]


def test_served_rows_are_stored_once(store, tmp_path):
    spool = Spool(tmp_path / "spool")
    record(spool, 2)
    assert (store_predictions(store, spool), store_predictions(store, spool)) == (2, 0)
    row = store.scan("predictions").collect().sort("unique_id").row(0, named=True)
    assert (row["unique_id"], row["ds"], row["cutoff"], row["yhat"], row["hi-80"]) == (
        "s0", date(2026, 2, 1), date(2026, 1, 30), 1.5, 1.5,
    )  # fmt: skip
    assert (row["operation"], row["author"], row["version"], row["vintage"]) == ("predict", "ann", 3, "v1")
    assert (row["day"], row["hour"]) == (row["served_at"].date(), row["served_at"].hour)
    assert not list((tmp_path / "spool").rglob("*.jsonl"))


def test_a_file_that_was_stored_before_it_could_be_deleted_is_not_stored_again(store, tmp_path, monkeypatch):
    spool = Spool(tmp_path / "spool")
    record(spool, 2)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store_predictions(store, spool)
    assert len(stored(store)) == 2
    record(spool, 1)
    assert store_predictions(store, spool) == 1
    assert stored(store) == ["s0", "s0", "s1"]


def test_a_store_that_fails_leaves_the_spool(store, tmp_path, monkeypatch):
    spool = Spool(tmp_path / "spool")
    record(spool, 3)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store_predictions(store, spool)
    assert store_predictions(store, spool) == 3


KILLED = """
import os, sys, time
from pathlib import Path
from forecasting.services.prediction_spool import Spool
from tests.services.test_prediction_spool import record
spool = Spool(Path(sys.argv[1]))
record(spool, 4)
spool._file.write(b'{"id": "torn", "unique_id')
spool._file.flush()
print("written", flush=True)
time.sleep(60)
"""


def test_what_a_killed_process_has_served_is_stored_by_the_next_one(store, tmp_path, caplog):
    spool = Spool(tmp_path / "spool")
    killed = subprocess.Popen([sys.executable, "-c", KILLED, str(spool.folder)], stdout=subprocess.PIPE, text=True)
    assert killed.stdout.readline() == "written\n"
    assert store_predictions(store, spool) == 0, "its file is still being written"
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(10)
    assert store_predictions(store, spool) == 4
    assert stored(store) == ["s0", "s1", "s2", "s3"]
    assert "ends within a line" in caplog.text
    assert not list(spool.folder.rglob("*.jsonl"))
