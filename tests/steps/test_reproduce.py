"""A published forecast made again from its data, code, config and seeds: the same to the last bit, or named."""

import re
import sqlite3
from contextlib import closing

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows import cli
from forecasting.steps import identity, run_step, session
from forecasting.steps.lifecycle import model_check, reproduce
from tests import chain
from tests.chain import LAST

GONE = "before the move"
"""The folder of the job when the backup was made."""


def opened(job):
    return session.open_session(job.config())


def test_a_forecast_comes_out_again_from_its_id_alone(ran, capsys, monkeypatch):
    """Fitted again, too: every file of the bundle is the same."""
    job, told = ran
    monkeypatch.chdir(job.folder)
    before = chain.versions(job)
    cli.main(["reproduce", told["predict"].facts["run"]])
    out = capsys.readouterr().out
    rows = told["predict"].facts["rows"]
    assert f"{rows:,} rows of 8 models come out again, bit for bit" in out
    assert re.search(r"bundle +trained again: all \d+ files are the same", out)
    assert re.search(r"code +the same\n +libraries +the same\n +backtests +as the training read them", out)
    assert chain.versions(job) == before


def test_a_run_is_found_by_its_id_and_by_the_one_that_versions_bear(ran):
    job, told = ran
    here = opened(job)
    run = reproduce.find_run(here, told["predict"].facts["run"])
    assert (run.cutoff, run.version) == (LAST, 1)
    assert reproduce.find_run(here, told["backtest"].facts["run_id"]) == run
    assert reproduce.find_run(here, "nobody") is None
    assert reproduce.describe_runs(here) == f"{run.id} (made on {LAST} by version 1)"


def test_a_run_that_nobody_knows_is_told_with_those_that_are(ran, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["reproduce", "abc", str(ran[0].folder / "job.yaml")])
    assert f"there is no run abc; the newest are: {ran[1]['predict'].facts['run']}" in capsys.readouterr().err


def test_a_difference_in_the_last_bit_is_named(ran):
    rows = ran[0].table("forecasts")
    assert reproduce.describe_difference(rows, rows.reverse()) == ""
    first = pl.int_range(pl.len()) == 0
    nudged = rows.with_columns(pl.when(first).then(pl.col("yhat") * (1 + 2**-52)).otherwise("yhat").alias("yhat"))
    said = reproduce.describe_difference(rows, nudged)
    assert said.startswith(f"1 of {rows.height:,} rows differ, of {rows['model'][0]}, in yhat; yhat by up to ")
    assert reproduce.describe_difference(rows, rows.head(-2)).startswith(f"2 of {rows.height:,} rows differ")


def test_other_code_and_libraries_are_named(ran, monkeypatch):
    run = reproduce.list_runs(opened(ran[0]))[0]
    assert dict(reproduce._circumstances(run)) == {"code": "the same", "libraries": "the same"}
    monkeypatch.setattr(identity, "code_of", lambda: "feedfeedfeedfeed")
    monkeypatch.setattr(identity, "environment", lambda: run.facts["environment"] | {"lightgbm": "9.9"})
    named = dict(reproduce._circumstances(run))
    assert named["code"] == f"another version: {run.facts['code']} then, feedfeedfeedfeed now"
    assert named["libraries"] == f"lightgbm {run.facts['environment']['lightgbm']} then, 9.9 now"


@pytest.fixture
def restored(ran):
    """The job from a backup of its folder (lake, tracking database, artifacts) in another one; where the database says
    that the files are, there is nothing.
    """
    job = ran[0].copy()
    with closing(sqlite3.connect(job.folder / "mlflow.db")) as database, database:
        places = (str(ran[0].folder), str(job.folder / GONE))
        database.execute("UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?)", places)
    return job


def test_a_backup_in_another_folder_forecasts_the_same(ran, restored):
    again = run_step("predict", restored.config(), force=True)
    assert again.facts["rows"] == ran[1]["predict"].facts["rows"]
    key = ["unique_id", "ds", "model"]
    assert_frame_equal(restored.table("forecasts").sort(key), ran[0].table("forecasts").sort(key))
    assert [f.verdict for f in model_check.check_model(opened(restored), 1)] == ["ok"] * 4


def test_new_files_of_a_restored_job_lie_in_its_own_folder(ran, restored):
    registry = opened(restored).registry
    files = registry._files(ran[1]["backtest"].facts["run_id"])
    assert files.recorded.startswith(str(restored.folder / GONE))
    assert files.home.startswith(str(restored.folder / "mlartifacts"))
    note = restored.folder / "note.txt"
    note.write_text("later")
    files.write_file(note, "notes")
    (back := restored.folder / "back").mkdir()
    assert (files.fetch("notes", back) / "note.txt").read_text() == "later"
