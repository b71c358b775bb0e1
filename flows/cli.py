"""The command line. What a command needs beyond its words is imported when it runs: `--help` answers at once."""

from __future__ import annotations

import logging
import os
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

from cyclopts import App, CycloptsError, Parameter

from flows import error_hints
from forecasting.errors import UserError

if TYPE_CHECKING:
    from forecasting.config import Config

File = Annotated[Path, Parameter(help="The job's YAML file; built-in ones are in configs/.")]
Sets = Annotated[
    tuple[str, ...], Parameter("--set", help="key=value over the file's, for example --set h=14; repeatable.")
]
Cutoff = Annotated[date | None, Parameter(help="Work as if this day (YYYY-MM-DD) were the last known one.")]
Load = Annotated[int | None, Parameter(help="Read the data as this load left them; the newest if left out.")]
Force = Annotated[bool, Parameter(help="Do the work again, also where nothing has changed.")]
Where = Annotated[str | None, Parameter(help="Which series, like \"store = 'CA_1'\"; all of them if left out.")]
Changes = Annotated[tuple[str, ...], Parameter(help='Like "price*=0.9" or "promo=1"; repeatable.')]
TUNE = "Search options of LightGBM on windows before the reported ones; ended or killed, it goes on where it was."
Over = Annotated[str | None, Parameter(help="Of sums: over how many periods, like 7,14; the horizon if left out.")]
Table = Literal["forecasts", "sums", "backtests", "scores", "quarantine", "series"]

app = App(
    name="demandcast",
    help="Sales and demand forecasting: from raw files to calibrated forecasts on a page.",
    help_epilogue="Every command takes --debug: after an error it shows where the error comes from.",
    version=lambda: version("demandcast"),
    default_parameter=Parameter(negative=(), show_default=lambda value: value or None),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


def main(words: Sequence[str] | None = None) -> None:
    """Run one command; exit 1: something unexpected, 2: a mistake that the user can mend, 130: interrupted."""
    words = list(sys.argv[1:] if words is None else words)
    debug = "--debug" in words
    _set_voice(debug)
    try:
        app([w for w in words if w != "--debug"], exit_on_error=False, print_error=False)
    except KeyboardInterrupt:
        _end("interrupted", 130)
    except BrokenPipeError:  # whoever read our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (UserError, CycloptsError) as error:
        _explain(error, debug)
        _end(error_hints.sentence(error) if isinstance(error, UserError) else str(error), 2)
    except Exception as error:
        _explain(error, debug)
        _end(f"{type(error).__name__}: {str(error)[:300]}{'' if debug else '; --debug shows where it comes from'}", 1)


def _step(flow: str, about: str) -> Callable[..., None]:
    def command(
        config: File, /, *, set_: Sets = (), cutoff: Cutoff = None, data_version: Load = None, force: Force = False
    ) -> None:
        _run(flow, config, _at(set_, data_version), cutoff, force)

    command.__doc__ = about
    return command


for place, (command, flow, about) in enumerate(
    (
        ("run", "pipeline", "The main job: ingest, backtest, train, predict and monitor."),
        ("ingest", "ingest", "Read the source, check it, and merge the good rows into the panel."),
        ("backtest", "backtest", "Score all models of the config on past cutoffs."),
        ("train", "train", "Fit the models, register them, and let the gate decide which one forecasts."),
        ("predict", "predict", "Forecast with the champion and publish it."),
        ("monitor", "monitor", "Look for drift, and score past forecasts whose actuals have come."),
    )
):
    app.command(_step(flow, about), name=command, sort_key=place)


@app.command(sort_key=10)
def export(
    what: Table,
    config: File,
    /,
    *,
    out: Annotated[Path, Parameter(help="The file to write: .parquet, .csv or .xlsx.")],
    cutoff: Annotated[
        date | None, Parameter(help="The forecasts, or scores, of this cutoff; the newest if left out.")
    ] = None,
    over: Over = None,
    data_version: Load = None,
    set_: Sets = (),
) -> None:
    """Write a table to a file."""
    periods = _periods(over) if over else ()
    job = _load(config, _at(set_, data_version))
    from forecasting.steps.export import export as write

    rows = write(job, what, out, cutoff, periods)
    _say(f"{rows:,} rows written to {out}")


@app.command(sort_key=11)
def scenario(
    config: File,
    /,
    *,
    change: Changes,
    dates: Annotated[str, Parameter(help="First and last day of the change, like 2016-05-23:2016-05-29.")],
    where: Where = None,
    out: Annotated[Path | None, Parameter(help="A .parquet, .csv or .xlsx file; without it a table is shown.")] = None,
    set_: Sets = (),
) -> None:
    """What if: change coming days and forecast again; the stored forecasts stay as they are."""
    job = _load(config, set_)
    from flows.scenario import parse_dates, report_scenario

    _say(report_scenario(job, where, list(change), parse_dates(dates), out))


@app.command(sort_key=12)
def sample(
    *,
    out: Annotated[Path, Parameter(help="The folder to write into.")],
    stores: int = 5,
    items: int = 20,
    days: int = 730,
    seed: int = 7,
) -> None:
    """Write made-up sales of a retail chain as a CSV, with a config beside it, to play with."""
    from flows.sample import write

    file = write(out, stores=stores, items=items, days=days, seed=seed)
    _say(f"written: {file.parent / 'sales.csv'} and {file}\nnext:    demandcast run {file}")


@app.command(sort_key=13)
def serve(
    config: File,
    /,
    *,
    host: Annotated[str, Parameter(help="0.0.0.0 lets other machines look at it, too.")] = "127.0.0.1",
    port: int = 8050,
    set_: Sets = (),
) -> None:
    """Show the dashboard until Ctrl+C."""
    job = _load(config, set_)
    _is_free(host, port)
    # The rooms flows and dashboard do not know each other: the config is handed over here, and nothing else.
    dashboard = import_module("dashboard.app")
    _say(f"dashboard of {job.name} on http://{host}:{port} (Ctrl+C ends it)")
    dashboard.serve(job, host, port)


app.command("flows.cli_tune:tune", name="tune", help=TUNE, sort_key=6)
app.command(
    "flows.cli_features:app",
    name="features",
    help="The feature store: build, list, preview, describe, training-set.",
    sort_key=14,
)
app.command("flows.cli_report:report", name="report", help="How good the forecasts are, and where.", sort_key=16)
app.command("flows.cli_check:app", name="check", help="Look at the data without loading them, for CI.", sort_key=15)


def _run(flow: str, config: Path, sets: Sequence[str], cutoff: date | None, force: bool, **more: object) -> None:
    """Check the config, run the flow in this process, and tell what it has done; raises what the flow's task raised."""
    job = _load(config, sets)
    from flows import launch, summary
    from forecasting.config import parse_overrides

    given = {"config": str(config), "overrides": parse_overrides(tuple(sets)), "cutoff": cutoff, "force": force}
    given |= more
    records = launch.run(flow, job, **given)
    _say(summary.text(records, str(config), f"{job.store.root.rstrip('/')}/{job.name}"))


def _load(config: Path, sets: Sequence[str]) -> Config:
    from forecasting.config import load, parse_overrides

    return load(config, parse_overrides(tuple(sets)))


def _at(sets: Sequence[str], load: int | None) -> tuple[str, ...]:
    """The settings, with the load that is read."""
    return tuple(sets) if load is None else (*sets, f"data_version={load}")


def _periods(text: str) -> tuple[int, ...]:
    """The numbers of a text like 7,14."""
    parts = text.replace(" ", "").split(",")
    if not all(part.isdecimal() for part in parts):
        raise UserError(f"--over {text}: must be whole numbers of periods, like 7,14")
    return tuple(map(int, parts))


def _is_free(host: str, port: int) -> None:
    """Raise UserError when the dashboard could not listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise UserError(f"--host {host} --port {port}: cannot listen there ({error}); choose others") from None


def _set_voice(debug: bool) -> None:
    """Our own log speaks; Prefect's goes to its server and stays off the screen: it would tell every error again."""
    from forecasting.services import log

    log.setup(logging.DEBUG if debug else None)
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def _explain(error: Exception, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _end(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(f"demandcast: {' '.join(sentence.split())}\n")
    raise SystemExit(code)
