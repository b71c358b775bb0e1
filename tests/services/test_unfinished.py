"""What a killed run leaves for the next one: only to the same work, never half a part, never from one at work."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from forecasting.services.store import Store
from forecasting.services.store.unfinished import forget_work, unfinished_work


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "lake"), {})


def test_the_same_work_goes_on_and_other_work_starts_with_nothing(store):
    with unfinished_work(store, "predict", "a") as progress:
        progress.keep_frame("sums", pl.DataFrame({"y": [1.5]}))
        progress.keep("bucket-0", {"rows": 3})
        progress.below("window").keep("model", {"seconds": 1})
    with unfinished_work(store, "predict", "a") as progress:
        assert progress.facts("bucket-0") == {"rows": 3}
        assert progress.frame("sums").collect()["y"].to_list() == [1.5]
        assert progress.below("window").facts("model") == {"seconds": 1}
        assert progress.facts("bucket-1") is None
    with unfinished_work(store, "backtest", "a") as other_step:
        assert other_step.facts("bucket-0") is None
    with unfinished_work(store, "predict", "b") as other_work:
        assert other_work.facts("bucket-0") is None
    with unfinished_work(store, "predict", "a") as long_gone:
        assert long_gone.facts("bucket-0") is None


def test_a_folder_of_files_comes_back_as_it_was(store):
    def save(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "model.json").write_text(json.dumps([1]))

    with unfinished_work(store, "train", "a") as progress:
        progress.keep_folder("model-0", save)
        assert progress.read_folder("model-0", lambda f: (f / "deep" / "model.json").read_text()) == "[1]"


def test_what_is_published_is_forgotten(store):
    with unfinished_work(store, "predict", "a") as progress:
        progress.keep("bucket-0", {})
    forget_work(store, "predict")
    with unfinished_work(store, "predict", "a") as progress:
        assert progress.facts("bucket-0") is None


AT_WORK = """
import sys
from forecasting.services.store import Store
from forecasting.services.store.unfinished import unfinished_work
with unfinished_work(Store(sys.argv[1], {}), "predict", "a") as progress:
    progress.keep("bucket-0", {"rows": 1})
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_beside_a_run_at_work_another_one_works_alone_and_takes_over_when_it_was_killed(store):
    words = [sys.executable, "-c", AT_WORK, store.root]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        with unfinished_work(store, "predict", "a") as alone:
            assert alone.facts("bucket-0") is None
            alone.keep("bucket-1", {})
        forget_work(store, "predict")
        process.kill()
    with unfinished_work(store, "predict", "a") as progress:
        assert progress.facts("bucket-0") == {"rows": 1}
        assert progress.facts("bucket-1") is None
