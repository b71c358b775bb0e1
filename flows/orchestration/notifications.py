"""Alerts on their way out: `deliver(config)` sends the receivers of a job what they have not been sent yet.

Receivers are notification blocks of the Prefect server, by type/name; addresses and passwords are kept there alone.
`connect_receiver` saves such a block, `send_test` sends each receiver of a job a message. What could not be sent comes
back as sentences, and is sent with the next run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date

from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.blocks.notifications import (
    AppriseNotificationBlock,
    CustomWebhookNotificationBlock,
    DiscordWebhook,
    MattermostWebhook,
    MicrosoftTeamsWebhook,
    SlackWebhook,
)
from prefect.exceptions import PrefectException
from pydantic import SecretStr, ValidationError

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.services import log
from forecasting.steps.alerts import EVERYTHING, KINDS, Alert, note_delivery, undelivered
from forecasting.steps.session import open_session


class Mail(AppriseNotificationBlock):
    """E-mail by SMTP: mailtos://user:password@smtp.example.com?from=robot@example.com&to=planning@example.com"""

    _block_type_name = "Mail"
    _block_type_slug = "mail"


def _webhook(url: str) -> CustomWebhookNotificationBlock:
    """A webhook that gets {"subject": ..., "body": ...}; its address is a secret, since it often holds a token."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("no address of a web server")
    content = {"subject": "{{subject}}", "body": "{{body}}"}
    secrets = {"address": url}
    return CustomWebhookNotificationBlock(name="alerts", url="{{address}}", json_data=content, secrets=secrets)


def _by_url(kind: type[AppriseNotificationBlock]) -> Callable[[str], NotificationBlock]:
    """A function that makes a block of this kind with an address, which Apprise must understand."""

    def make(url: str) -> NotificationBlock:
        quiet = logging.getLogger("apprise")
        quiet.disabled = True  # it would log an address that it does not understand, password and all
        try:
            block = kind(url=SecretStr(url))
        finally:
            quiet.disabled = False
        if not block._apprise_client:
            raise ValueError("no address that Apprise understands")
        return block

    return make


TYPES: dict[str, Callable[[str], NotificationBlock]] = {
    "mail": _by_url(Mail),
    "custom-webhook": _webhook,
    "slack-webhook": _by_url(SlackWebhook),
    "ms-teams-webhook": _by_url(MicrosoftTeamsWebhook),
    "mattermost-webhook": _by_url(MattermostWebhook),
    "discord-webhook": _by_url(DiscordWebhook),
}
"""Types of receivers that an address is enough for; blocks of other types are made on the server's page."""


def connect_receiver(receiver: str, url: str) -> None:
    """Save a notification block type/name with this address on the Prefect server; UserError for another type."""
    kind, _, name = receiver.partition("/")
    if kind not in TYPES or not name:
        known = ", ".join(f"{known}/NAME" for known in TYPES)
        raise UserError(f"{receiver} is no receiver that can be made here: give one of {known}")
    try:
        TYPES[kind](url).save(name, overwrite=True)
    except (ValidationError, ValueError):
        raise UserError(f"{receiver}: its address is none for {kind}") from None  # and is not shown: it is a secret


def deliver(config: Config) -> list[str]:
    """Send each receiver the open alerts that it was not sent yet, in one message; returns what went wrong."""
    if not config.alerts.receivers:
        return []
    store, problems = open_session(config).store, []
    for receiver, alerts in undelivered(config, store, date.today()):
        if problem := _send(receiver, subject_of(config, alerts), body_of(alerts)):
            problems.append(problem)
        else:
            note_delivery(store, alerts, receiver)
            log.event("alerts sent", receiver=receiver, alerts=[alert["id"] for alert in alerts])
    return problems


def send_test(config: Config) -> list[str]:
    """Send each receiver of the job a message that says so; returns what went wrong."""
    subject, body = f"demandcast {config.name}: a test", "This is how alerts are sent. Nothing is wrong."
    return [problem for receiver in config.alerts.receivers if (problem := _send(receiver, subject, body))]


def _send(receiver: str, subject: str, body: str) -> str | None:
    """Send a message; returns why it could not be. Only the kind of an error is named: its text may hold an address."""
    try:
        block = Block.load(receiver)
    except (ValueError, PrefectException):
        return f"alerts.receivers: there is no block {receiver} on the Prefect server"
    if not isinstance(block, NotificationBlock):
        return f"alerts.receivers: the block {receiver} sends no notifications"
    try:
        with block.raise_on_failure():
            block.notify(body, subject)  # type: ignore[unused-coroutine]
    except Exception as error:
        return f"alerts.receivers: {receiver} could not be sent alerts ({type(error).__name__}); they are sent again"
    return None


def subject_of(config: Config, alerts: Sequence[Alert]) -> str:
    """`demandcast shop: critical: Forecasts are worse than expected`, and how many more."""
    gravest = min(alerts, key=lambda alert: ("critical", "warning", "info").index(alert["severity"]))
    more = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
    return f"demandcast {config.name}: {gravest['severity']}: {KINDS[gravest['kind']].title}{more}"


def body_of(alerts: Sequence[Alert]) -> str:
    """A paragraph per alert: what is wrong, about what, since when, whose it is and where to look."""
    return "\n\n".join("\n".join(_paragraph(alert)) for alert in alerts)


def _paragraph(alert: Alert) -> list[str]:
    about = "" if alert["subject"] == EVERYTHING else f" ({alert['subject']})"
    lines = [
        f"{alert['severity']}: {KINDS[alert['kind']].title}{about}",
        alert["message"],
        f"alert {alert['id']}, open since {alert['opened_at']:%Y-%m-%d %H:%M} UTC; what to do: docs/OPERATIONS.md, "
        f"alert `{alert['kind']}`",
    ]
    lines += [f"owner: {alert['owner']}"] if alert["owner"] else []
    return lines + ([alert["link"]] if alert["link"] else [])
