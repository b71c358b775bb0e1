"""`demandcast alerts list|snooze|test CONFIG`, `demandcast alerts connect RECEIVER`: one function per subcommand.

`list_` prints what is wrong, `snooze` keeps an alert from being sent, `test` sends a message to each receiver of a job,
and `connect` saves a receiver on the Prefect server, its address being read from the environment.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from flows.arguments import File, Sets, load_config, print_line
from forecasting.errors import UserError

if TYPE_CHECKING:
    from forecasting.services.store import Store

VARIABLE = "DEMANDCAST_RECEIVER_URL"
EXAMPLE = "mailtos://user:password@smtp.example.com?to=you@example.com"
SHOWN = ("id", "severity", "kind", "subject", "opened_at", "closed_at", "snoozed_until", "message")

alerts = App(name="alerts", help="What is wrong: list alerts, snooze one, connect receivers and test them.")


@alerts.command(name="list")
def list_(
    config: File,
    /,
    *,
    all_: Annotated[bool, Parameter("--all", help="Those that are closed, too.")] = False,
    set_: Sets = (),
) -> None:
    """Open alerts, the newest first."""
    store = _store(config, set_)
    from forecasting.services import console
    from forecasting.steps.alerts import open_alerts, read_alerts

    found = read_alerts(store) if all_ else open_alerts(store)
    if found.is_empty():
        print_line("no alerts" if all_ else "no open alerts")
    else:
        console.print_table(found.select(SHOWN), "alerts", {})


@alerts.command
def snooze(
    config: File,
    /,
    *,
    id_: Annotated[str, Parameter("--id", help="The alert, as `list` shows it.")],
    until: Annotated[date, Parameter(help="The last day (YYYY-MM-DD) on which it is not sent.")],
    set_: Sets = (),
) -> None:
    """Keep an open alert from being sent for some days; it stays open."""
    store = _store(config, set_)
    from forecasting.steps.alerts import snooze as snooze_alert

    alert = snooze_alert(store, id_, until)
    print_line(f"alert {id_} ({alert['kind']}) is not sent up to {until}")


@alerts.command
def connect(
    receiver: Annotated[str, Parameter(help="mail/NAME, slack-webhook/NAME, custom-webhook/NAME ...")], /
) -> None:
    """Save a receiver on the Prefect server; its address is read from the variable DEMANDCAST_RECEIVER_URL."""
    url = os.environ.get(VARIABLE)
    if not url:
        raise UserError(f"{VARIABLE}: holds no address; set it, to {EXAMPLE} say")
    _wait_for_server()
    from flows.orchestration.notifications import connect_receiver

    connect_receiver(receiver, url)
    print_line(f"{receiver} is saved; name it in alerts.receivers of a config")


@alerts.command(name="test")
def send_test(config: File, /, *, set_: Sets = ()) -> None:
    """Send each receiver of the job a message; exit code 2 where one cannot be reached."""
    job = load_config(config, set_)
    if not job.alerts.receivers:
        raise job.fault("alerts.receivers", "names nobody: give the receivers, like [mail/planning]")
    _wait_for_server()
    from flows.orchestration import notifications

    if problems := notifications.send_test(job):
        raise UserError("; ".join(problems))
    print_line(f"sent to {', '.join(job.alerts.receivers)}")


def _store(config: Path, sets: tuple[str, ...]) -> Store:
    job = load_config(config, sets)
    from forecasting.steps.session import open_session

    return open_session(job).store


def _wait_for_server() -> None:
    """The user's Prefect server, or a temporary one on the same database."""
    from flows.orchestration.server import connect as connect_server

    connect_server().wait_until_ready()
