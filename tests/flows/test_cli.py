"""Words in, one sentence or a result out, and the right exit code."""

import socket
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import cli, sample
from flows.commands import serve
from flows.orchestration import launch
from forecasting.config import Config, load
from forecasting.data import sources
from forecasting.data.schemas import EXPORTS
from forecasting.errors import UserError
from forecasting.steps.registry import STEPS
from forecasting.steps.tuning.options import TuneOptions
from tests.conftest import ROOT

DEMO = str(ROOT / "configs/demo.yaml")


def ended(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what stands on stderr; stdout must be empty."""
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    told = capsys.readouterr()
    assert told.out == ""
    return int(str(end.value.code)), told.err


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The flows that a command asks for, instead of running them."""
    calls: list[dict[str, Any]] = []

    def note(flow: str, job: Config, **parameters: Any) -> list[dict[str, Any]]:
        calls.append({"flow": flow, "job": job.name} | parameters)
        return []

    monkeypatch.setattr(launch, "run", note)
    return calls


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml: there is no such config file"),
        (["run", DEMO, "--set", "hh=1"], "did you mean `h`?"),
        (["run", DEMO, "--set", "h=soon"], "with --set h"),
        (["run", DEMO, "--set", "h"], "must look like key=value"),
        (["run", DEMO, "--cutoff", "yesterday"], "--cutoff"),
        (["run"], "CONFIG"),
        (["rnu", DEMO], "run"),
        (["export", "everything", DEMO, "--out", "x.csv"], "forecasts"),
        (["export", "forecasts", DEMO], "--out"),
        (["export", "sums", DEMO, "--over", "week", "--out", "x.csv"], "--over week: must be numbers of periods"),
        (["scenario", DEMO, "--change", "price=1", "--dates", "soon"], "--dates soon: must be first and last day"),
        (["scenario", DEMO, "--change", "price=1", "--dates", "2026-01-02:2026-01-01"], "lies before the first"),
        (["tune", DEMO, "--trials", "0"], "--trials 0: must be at least 1"),
        (["tune", DEMO, "--metric", "r2"], "--metric"),
        (["sample", "--out", "here", "--days", "0"], "source.options.days"),
    ],
)
def test_a_mistake_ends_with_one_sentence_and_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = ended(words, capsys)
    assert code == 2
    assert told.startswith("demandcast: ")
    assert told.count("\n") == 1
    assert says in told


def test_debug_shows_where_a_mistake_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = ended(["run", DEMO, "--set", "hh=1", "--debug"], capsys)
    assert code == 2
    assert "Traceback" in told
    assert told.splitlines()[-1].startswith("demandcast: ")


@pytest.mark.parametrize(
    ("error", "code"), [(ValueError("odd\nthing"), 1), (UserError("mend it"), 2), (KeyboardInterrupt(), 130)]
)
def test_exit_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(launch, "run", fail)
    found, told = ended(["train", DEMO], capsys)
    assert found == code
    assert told.count("\n") == 1
    assert ("--debug" in told) == (code == 1)


def test_run_is_the_pipeline_and_the_others_are_themselves(launched: list[dict[str, Any]]) -> None:
    for command in ("run", *STEPS):
        cli.main([command, DEMO])
    assert [call["flow"] for call in launched] == ["pipeline", *STEPS]
    assert launched[0] == {
        "flow": "pipeline",
        "job": "demo",
        "config": DEMO,
        "overrides": {},
        "cutoff": None,
        "force": False,
    }


def test_options_reach_the_flow_typed(launched: list[dict[str, Any]]) -> None:
    words = ["predict", "--set", "h=14", DEMO, "--set", "store.root=/tmp/x", "--cutoff", "2025-06-30", "--force"]
    cli.main(words)
    assert launched[0]["overrides"] == {"h": 14, "store.root": "/tmp/x"}
    assert launched[0]["cutoff"] == date(2025, 6, 30)
    assert launched[0]["force"] is True


def test_options_of_a_step_reach_the_flow_by_name(launched: list[dict[str, Any]]) -> None:
    cli.main(["tune", DEMO, "--trials", "5", "--metric", "mase"])
    assert launched[0]["options"] == asdict(TuneOptions(trials=5, metric="mase"))


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_taken_port_is_told_before_the_dashboard_starts(
    host: str, family: int, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        taken = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with taken:
        port = taken.getsockname()[1]
        code, told = ended(["serve", DEMO, "--host", host, "--port", str(port)], capsys)
    assert code == 2
    assert "cannot listen there" in told
    serve._check_address(host, port)  # once it is free


def test_sample_is_what_the_synthetic_source_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["sample", "--out", str(tmp_path / "play"), "--stores", "2", "--items", "2", "--days", "60"])
    file = tmp_path / "play/sample.yaml"
    assert str(file) in capsys.readouterr().out
    made = sources.load(load(file)).long
    synthetic = tmp_path / "synthetic.yaml"
    synthetic.write_text(sample.SYNTHETIC.format(stores=2, items=2, first_item=0, days=60, seed=7))
    expected = sources.load(load(synthetic)).long
    keys = ["unique_id", "ds"]
    values = [*keys, "y", "price", "promo", "open", "category"]
    numbers = pl.col("y", "price", "promo", "open").cast(pl.Float64)
    assert (
        made.sort(keys)
        .select(values)
        .with_columns(numbers)
        .equals(expected.sort(keys).select(values).with_columns(numbers))
    )
    assert made.filter(pl.col("y").is_null(), pl.col("ds") > date(2024, 2, 29)).height > 0


def test_a_large_sample_is_drawn_in_parts_of_the_same_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "ROWS", 2 * 60 * 3)  # three items of two stores
    cli.main(["sample", "--out", str(tmp_path), "--stores", "2", "--items", "8", "--days", "60", "--kind", "parquet"])
    parts = [pl.read_parquet(file) for file in sorted((tmp_path / "sales").iterdir())]
    assert [part["item"].unique().sort().to_list() for part in parts] == [
        ["I01", "I02", "I03"], ["I04", "I05", "I06"], ["I07", "I08"],
    ]  # fmt: skip
    opened = [part.group_by("store", "date").agg(pl.col("open").max()).sort("store", "date") for part in parts]
    assert all(days.equals(opened[0]) for days in opened)
    assert parts[0].filter(item="I01")["units"].to_list() != parts[1].filter(item="I04")["units"].to_list()
    made = sources.load(load(tmp_path / "sample.yaml")).long
    assert made["unique_id"].n_unique() == 16
    cli.main(["sample", "--out", str(tmp_path), "--stores", "2", "--items", "8", "--days", "60"])
    lines = (tmp_path / "sales.csv").read_text().splitlines()
    assert len(lines) == 1 + sum(part.height for part in parts)
    assert sum(line.startswith("date,") for line in lines) == 1


def test_a_sample_removes_no_files_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "sales" / "2024.parquet"
    mine.parent.mkdir()
    mine.write_bytes(b"sales of years")
    code, message = ended(["sample", "--out", str(tmp_path), "--kind", "parquet", "--items", "1"], capsys)
    assert code == 2
    assert "holds other files than those of a sample" in message
    assert mine.read_bytes() == b"sales of years"


def shell(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_of_export_names_every_table_that_is_exported() -> None:
    done = shell("export", "--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in EXPORTS)


def test_help_names_every_command() -> None:
    done = shell("--help")
    assert done.returncode == 0
    for command in ("run", *STEPS, *cli.OTHER_COMMANDS, *cli.OPERATIONS):
        assert f"│ {command} " in done.stdout


def test_a_mistake_found_inside_a_flow_is_told_once_and_plainly(tmp_path: Path) -> None:
    """The whole way: a temporary server, a task, its state, this process's exit; nothing from Prefect in between."""
    (tmp_path / "empty.csv").touch()
    done = shell("ingest", DEMO, *of_file(tmp_path / "empty.csv"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("demandcast: ")
    assert "empty.csv: is empty" in done.stderr


def of_file(path: object) -> list[str]:
    sets = ("source.kind=table", f"source.path={path}", "source.options={}")
    return [word for key in sets for word in ("--set", key)]


@pytest.mark.parametrize("command", ["run", "ingest"])
def test_a_missing_file_is_told_before_a_server_starts(command, monkeypatch, capsys):
    monkeypatch.setattr(launch, "connect", lambda: pytest.fail("a server is started"))
    code, told = ended([command, DEMO, *of_file("nowhere.csv")], capsys)
    assert code == 2
    assert "source.path: there is no file or folder nowhere.csv" in told
