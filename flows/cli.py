"""The command line: `main(words)` runs one command of `app`, `demandcast run config.yaml` say.

`words` are the arguments (sys.argv by default). A command prints to stdout; an error is one sentence on stderr and an
exit code. A command's imports happen when it runs: `--help` responds at once.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from cyclopts import App, CycloptsError, Parameter

from flows import error_hints
from flows.commands.steps import run, step_command
from forecasting.errors import UserError
from forecasting.steps.registry import STEPS

app = App(
    name="demandcast",
    help="Sales and demand forecasting: from raw files to calibrated forecasts on a page.",
    help_epilogue="Every command takes --debug: after an error it shows where the error comes from.",
    version=lambda: version("demandcast"),
    default_parameter=Parameter(negative=(), show_default=lambda value: value or None),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

OTHER_COMMANDS = {
    "init": "Look at files and propose a config for them.",
    "export": "Write a table to a file.",
    "scenario": "What if: change coming days and forecast again; the stored forecasts stay as they are.",
    "sample": "Write made-up sales of a retail chain as a CSV and a config for them, to play with.",
    "serve": "Show the dashboard until Ctrl+C.",
    "features": "The feature store: build, list, preview, describe, training-set.",
    "check": "Check the data without loading them, or the model before it serves, also in CI.",
    "recipe": "Show which models are chosen for the data, what they cost, and why others are left out.",
    "report": "How good the forecasts are, and where.",
    "explain-config": "Say what a key of the config means, with its values and its default.",
}
"""Commands that are no steps, with their help: a function in the module of the same name, imported when it runs."""

OPERATIONS = {
    "models": "Versions of the model: list them, promote one by hand, or go back.",
    "reproduce": "Make a published forecast again from its data, code, config and seeds, and compare bit for bit.",
    "users": "Who may sign in to the dashboard: add, list, remove, change the password or the role.",
    "keys": "Keys of programs that use the API: add, list, revoke.",
    "audit": "Who signed in, was refused, and wrote what, through the dashboard and the API.",
    "alerts": "What is wrong: list alerts, snooze one, connect receivers of alerts and test them.",
    "deploy": "Put jobs on a Prefect server, to be run there on their schedules.",
}
EVIDENCE = {
    "explain": "What is behind a forecast, or behind its change since the one before.",
    "events": "What past promotions and changes of price are associated with.",
}
FOLDERS = {".operations": OPERATIONS, ".evidence": EVIDENCE}
"""The same for commands whose modules lie in a folder of their own."""

for place, (name, command) in enumerate({"run": run, **{n: step_command(s) for n, s in STEPS.items()}}.items()):
    app.command(command, name=name, sort_key=place)
for place, (name, text) in enumerate((OTHER_COMMANDS | EVIDENCE | OPERATIONS).items(), start=len(STEPS) + 1):
    function = name.replace("-", "_")
    folder = next((f for f, commands in FOLDERS.items() if name in commands), "")
    app.command(f"flows.commands{folder}.{function}:{function}", name=name, help=text, sort_key=place)


def main(words: Sequence[str] | None = None) -> None:
    """Run one command; exit 1: something unexpected, 2: a mistake that the user can mend, 130: interrupted."""
    words = list(sys.argv[1:] if words is None else words)
    debug = "--debug" in words
    _set_up_logging(debug)
    try:
        app([w for w in words if w != "--debug"], exit_on_error=False, print_error=False)
    except KeyboardInterrupt:
        _exit("interrupted", 130)
    except BrokenPipeError:  # the reader of our output, `head` say, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (UserError, CycloptsError) as error:
        _print_traceback(error, debug)
        _exit(error_hints.sentence(error) if isinstance(error, UserError) else str(error), 2)
    except Exception as error:
        _print_traceback(error, debug)
        _exit(f"{type(error).__name__}: {str(error)[:300]}{'' if debug else '; --debug shows where it comes from'}", 1)


def _set_up_logging(debug: bool) -> None:
    """Our log goes to stderr; Prefect's goes to its server only: on the screen it would repeat every error."""
    from forecasting.services import log

    log.setup(logging.DEBUG if debug else None)
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def _print_traceback(error: Exception, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)


def _exit(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(f"demandcast: {' '.join(sentence.split())}\n")
    raise SystemExit(code)
