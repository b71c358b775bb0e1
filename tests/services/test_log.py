"""Log lines as text and JSON, and console output on a terminal and elsewhere."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.services import console, log


@pytest.fixture(autouse=True)
def restored_loggers():
    """Restore the loggers."""
    kept = log.LOGGER.handlers, log.LOGGER.propagate, log.LOGGER.level
    handlers = {name: logging.getLogger(name).handlers for name in log.PROGRAM}
    levels = {name: logging.getLogger(name).level for name in log.NOISY}
    yield
    log.LOGGER.handlers, log.LOGGER.propagate = kept[0], kept[1]
    log.LOGGER.setLevel(kept[2])
    for name, before in handlers.items():
        logging.getLogger(name).handlers = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def text(monkeypatch):
    monkeypatch.delenv("DEMANDCAST_LOG", raising=False)
    log.setup()


@pytest.fixture
def as_json(monkeypatch):
    monkeypatch.setenv("DEMANDCAST_LOG", "json")
    log.setup()


def error_lines(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


def objects(capsys) -> list[dict]:
    return [json.loads(line) for line in error_lines(capsys)]


@pytest.mark.usefixtures("text")
def test_a_step_is_one_line_of_text(capsys):
    with log.step("merge", table="panel") as fields:
        fields["rows"] = 12
    (line,) = error_lines(capsys)
    assert re.fullmatch(r"\d\d:\d\d:\d\d merge done table=panel rows=12 seconds=[\d.]+", line)
    assert fields["seconds"] >= 0


@pytest.mark.usefixtures("as_json")
def test_json_has_start_and_end_with_step_bucket_and_seconds(capsys):
    with log.step("fit", bucket=3):
        log.event("half way", series="café")
    start, middle, end = objects(capsys)
    assert [start["message"], middle["message"], end["message"]] == ["start", "half way", "done"]
    assert all((line["step"], line["bucket"]) == ("fit", 3) for line in (start, middle, end))
    assert middle["series"] == "café"
    assert end["seconds"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.+\+00:00", end["time"])
    assert end["level"] == "DEBUG"  # one of many buckets


@pytest.mark.usefixtures("as_json")
def test_inner_steps_carry_the_fields_of_outer_ones_and_leave_none_behind(capsys):
    with log.step("backtest", cutoff="2015-05-08"), log.step("predict", bucket=1):
        log.event("here")
    log.event("after")
    here = next(line for line in objects(capsys) if line["message"] == "here")
    assert (here["step"], here["cutoff"], here["bucket"]) == ("predict", "2015-05-08", 1)
    log.event("after")
    (after,) = objects(capsys)
    assert "step" not in after
    assert "cutoff" not in after


@pytest.mark.usefixtures("as_json")
def test_an_error_is_logged_with_its_step_and_goes_on(capsys):
    with pytest.raises(ZeroDivisionError), log.step("train"), log.step("fit", bucket=2):
        _ = 1 / 0
    failed = [line for line in objects(capsys) if line["message"] == "failed"]
    assert [line["step"] for line in failed] == ["fit", "train"]
    assert failed[0]["error"] == "ZeroDivisionError: division by zero"
    assert [line["level"] for line in failed] == ["ERROR", "DEBUG"]  # logged once
    assert failed[0]["seconds"] >= 0


@pytest.mark.usefixtures("text")
def test_text_shows_an_error_once_and_leaves_user_errors_to_the_command_line(capsys):
    with pytest.raises(ZeroDivisionError), log.step("train"), log.step("fit", bucket=2):
        _ = 1 / 0
    (line,) = error_lines(capsys)
    assert "ERROR fit failed bucket=2" in line
    with pytest.raises(UserError), log.step("ingest"):
        raise UserError("The file is empty.")
    assert error_lines(capsys) == []


@pytest.mark.usefixtures("text")
def test_setting_up_twice_does_not_double_the_lines(capsys):
    log.setup()
    log.event("once")
    assert len(error_lines(capsys)) == 1


@pytest.mark.usefixtures("text")
def test_noisy_libraries_are_quiet_but_may_warn():
    for name in ("mlflow.store.db.utils", "alembic.runtime.migration", "httpx", "prefect.flow_runs"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO), name
        assert logging.getLogger(name).isEnabledFor(logging.WARNING), name


@pytest.mark.usefixtures("text")
def test_off_a_terminal_progress_is_one_line_at_the_end(capsys):
    steps = console.track(iter("abc"), "fit buckets")
    assert [next(steps), next(steps)] == ["a", "b"]
    assert error_lines(capsys) == []
    assert list(steps) == ["c"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"\d\d:\d\d:\d\d fit buckets count=3 seconds=[\d.]+\n", captured.err)


@pytest.mark.usefixtures("as_json")
def test_progress_follows_the_json_setting(capsys):
    list(console.track(range(4), "fit"))
    (line,) = objects(capsys)
    assert (line["message"], line["count"]) == ("fit", 4)


@pytest.mark.usefixtures("as_json")
def test_every_json_line_of_a_block_tells_whose_it_is(capsys):
    """Also those that libraries log, and one per bucket; text is for people, who see one run."""
    with log.context(flow_run_id="a", job="shop"), log.context(task="ingest"):
        rows = console.track_rows(iter([10, 20]), "panel", 3, lambda count: count, [0, 2])
        assert list(rows) == [10, 20]
        logging.getLogger("dashboard.app").error("a callback failed", exc_info=ZeroDivisionError("odd"))
    log.event("after")
    *inside, after = objects(capsys)
    assert all((line["flow_run_id"], line["job"], line["task"]) == ("a", "shop", "ingest") for line in inside)
    assert [(line.get("bucket"), line.get("done"), line.get("rows")) for line in inside[:2]] == [(0, 2, 10), (2, 3, 30)]
    assert "ZeroDivisionError: odd" in inside[-1]["traceback"]
    assert "flow_run_id" not in after


def test_prefect_s_lines_take_the_form_of_ours(monkeypatch, capsys):
    """Its own handler of the console, which writes by Rich."""
    from prefect.logging.handlers import PrefectConsoleHandler

    there = logging.getLogger("runner")
    monkeypatch.setenv("DEMANDCAST_LOG", "json")
    monkeypatch.setattr(log, "RUNNER", ["runner"])
    monkeypatch.setattr(there, "handlers", [PrefectConsoleHandler(stream=sys.stderr)])
    log.setup()
    with log.context(flow_run_id="a"):
        there.warning("Finished in state Failed[1] 'http://127.0.0.1' " + 100 * "-")
    (line,) = objects(capsys)
    assert (line["logger"], line["flow_run_id"]) == ("runner", "a")
    assert line["message"].startswith("Finished in state Failed[1]")


def on_a_terminal(code: str) -> str:
    """What a pseudo-terminal of 120 columns receives on stderr."""
    import os
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    assert process.returncode == 0, seen.decode()
    return seen.decode()


def _read(descriptor: int) -> bytes:
    import os

    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


def test_on_a_terminal_there_is_a_bar_and_log_lines_stay_above_it():
    screen = on_a_terminal(
        "from forecasting.services import console, log\n"
        "log.setup()\n"
        "for model in console.track(['ARIMA[12]', 'Naive'], 'fit [12]', 2):\n"
        "    log.event('fitted', model=model)\n"
        "    list(console.track(range(3), 'inner'))\n"
    )
    assert "━" in screen
    assert "fit [12]" in screen
    assert "2/2" in screen
    assert "3/3" in screen
    assert "fitted model=ARIMA[12]" in screen


def test_a_table_prints_every_column_uncut_and_brackets_as_they_are(capsys):
    scores = pl.DataFrame(
        {
            "model": ["ARIMA(1,1,1)(1,1,1)[12]", "[bold]Naive[/bold]"],
            "wape": [0.08951, None],
            "rows": [1_017_209, 5],
            **{f"a rather long column name {i}": [1.0, 2.0] for i in range(5)},
        }
    )
    console.print_table(scores, "Scores [h = 42]", {"wape": "{:.1%}"})
    captured = capsys.readouterr()
    title, head, first, second, *_ = captured.out.splitlines()
    assert captured.err == ""
    assert title.strip() == "Scores [h = 42]"
    assert head.split()[:3] == ["model", "wape", "rows"]
    assert first.split() == ["ARIMA(1,1,1)(1,1,1)[12]", "9.0%", "1,017,209", *["1.000"] * 5]
    assert second.split() == ["[bold]Naive[/bold]", "-", "5", *["2.000"] * 5]
    assert first.index("9.0%") + 4 == second.index(" - ") + 2  # numbers end at the same place


def test_summary_lines_are_aligned(capsys):
    console.print_fields("Account", {"lines in": 1_017_209, "quarantined": 0, "champion": None, "wape": 0.125}.items())
    assert capsys.readouterr().out.splitlines() == [
        "Account",
        "  lines in     1,017,209",
        "  quarantined  0",
        "  champion     -",
        "  wape         0.125",
    ]
