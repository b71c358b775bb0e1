"""One error, worded by the core, the command line and a page; it keeps its data on the way between processes."""

import pickle
from pathlib import Path

import pytest

from dashboard.error_text import error_text
from flows import cli, error_hints
from flows.orchestration import launch
from forecasting.config import load, parse_overrides
from forecasting.errors import Option, Place, UserError

JOB = "name: job\nsource: {path: sales.csv}\nfreq: 1d\nh: 7\n"
MISSING = UserError("no data are loaded yet", where="shop", needs="ingest")
WRONG = UserError("the forecast covers 14 periods", where=Option("over", 15), mend="ask for 1 to 14")
SEVERAL = UserError.of_several([WRONG, UserError("h: must be a whole number", where=Place("job.yaml", override="h"))])


@pytest.mark.parametrize(
    ("error", "core", "command_line", "page"),
    [
        (
            MISSING,
            "shop: no data are loaded yet; the step ingest has to run first",
            "shop: no data are loaded yet; run `demandcast ingest` with this config first",
            "shop: no data are loaded yet; the data have to be loaded first",
        ),
        (
            UserError("nothing was backtested yet", needs="backtest"),
            "nothing was backtested yet; the step backtest has to run first",
            "nothing was backtested yet; run `demandcast backtest` with this config first",
            "nothing was backtested yet; the step backtest has to run first",
        ),
        (
            WRONG,
            "over 15: the forecast covers 14 periods; ask for 1 to 14",
            "--over 15: the forecast covers 14 periods; ask for 1 to 14",
            "over 15: the forecast covers 14 periods; ask for 1 to 14",
        ),
        (
            UserError("lies after the last day", where=Option("first", "2024-02-01")),
            "first 2024-02-01: lies after the last day",
            "--from 2024-02-01: lies after the last day",
            "first 2024-02-01: lies after the last day",
        ),
        (
            UserError("h: is odd", where=Place("job.yaml", line=4)),
            "job.yaml, line 4: h: is odd",
            "job.yaml, line 4: h: is odd",
            "job.yaml, line 4: h: is odd",
        ),
        (
            SEVERAL,
            "over 15: the forecast covers 14 periods; ask for 1 to 14; "
            "job.yaml with override h: h: must be a whole number",
            "--over 15: the forecast covers 14 periods; ask for 1 to 14; "
            "job.yaml with --set h: h: must be a whole number",
            "over 15: the forecast covers 14 periods; ask for 1 to 14; "
            "job.yaml with override h: h: must be a whole number",
        ),
    ],
)
def test_every_front_end_words_an_error_in_its_own_terms(
    error: UserError, core: str, command_line: str, page: str
) -> None:
    assert str(error) == core
    assert error_hints.sentence(error) == command_line
    assert error_text(error) == page


@pytest.mark.parametrize("error", [MISSING, WRONG, SEVERAL])
def test_an_error_of_another_process_keeps_its_data(error: UserError) -> None:
    """A worker sends it pickled."""
    back = pickle.loads(pickle.dumps(error))
    assert error_hints.sentence(back) == error_hints.sentence(error)
    assert (back.where, back.mend, back.needs) == (error.where, error.mend, error.needs)


def test_a_mistake_in_the_config_says_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(JOB.replace("h: 7", "h: soon"))
    with pytest.raises(UserError) as found:
        load(file)
    assert [cause.where for cause in found.value.causes] == [Place(str(file), line=4)]
    file.write_text(JOB)
    with pytest.raises(UserError) as found:
        load(file, parse_overrides(["h=soon", "hh=1"]))
    assert {cause.where for cause in found.value.causes} == {Place(str(file), override=key) for key in ("h", "hh")}
    assert load(file, {"h": 14}).fault("h", "is odd").where == Place(str(file), override="h")
    assert load(file).fault("h", "is odd").where == Place(str(file), line=4)


def test_the_command_line_ends_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MISSING

    monkeypatch.setattr(launch, "run", fail)
    file = tmp_path / "job.yaml"
    file.write_text(JOB)
    with pytest.raises(SystemExit, match="2"):
        cli.main(["train", str(file)])
    assert "run `demandcast ingest` with this config first" in capsys.readouterr().err
