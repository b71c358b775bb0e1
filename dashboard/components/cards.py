"""Frames and cards of Mantine: `page_frame`, `card`, `kpi_card`, `status_light`, `empty_state`, `notice`.

They take finished texts and components and return a component; nothing is read or formatted here.
"""

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

LIGHTS = {"ok": ("●", "teal"), "watch": ("▲", "orange"), "bad": ("■", "red"), "unknown": ("○", "gray")}
"""Sign and colour by status, so that neither the shape nor the colour carries the meaning by itself."""


def page_frame(title: str, lead: str, *children: Any) -> dmc.Stack:
    """The frame of a page: heading, one sentence, content."""
    heading = html.Div([dmc.Title(title, order=1, className="page-title"), dmc.Text(lead, c="dimmed", maw=760)])
    return dmc.Stack([heading, *children], gap="lg")


def card(title: str, children: list[Any], name: str = "") -> dmc.Card:
    """A card with a heading; `name` is its id, if it needs one."""
    body = [dmc.Title(title, order=2, size="h4", mb=6), dmc.Stack(children, gap=6)]
    return dmc.Card(body, id=name) if name else dmc.Card(body)


def kpi_card(name: str, label: str, value: str, reference: str, status: str = "unknown", verdict: str = "") -> dmc.Card:
    """One key figure: its label, its value, what it is compared with, and a status light with a verdict."""
    body = [
        dmc.Text(label, size="sm", c="dimmed", fw=500),
        dmc.Text(value, className="kpi-value", id=f"{name}-value"),
        dmc.Text(reference, size="sm"),
        status_light(status, verdict) if verdict else None,
    ]
    return dmc.Card(dmc.Stack([b for b in body if b is not None], gap=4), id=name, className="kpi")


def status_light(status: str, text: str) -> dmc.Group:
    """A light (ok, watch, bad or unknown) with its text."""
    sign, colour = LIGHTS[status]
    mark = dmc.Text(sign, c=colour, span=True, **{"aria-hidden": "true"})
    label = dmc.Text(text, size="sm", span=True)
    return dmc.Group([mark, label], gap=6, wrap="nowrap", className=f"status-light status-{status}")


def empty_state(title: str, reason: str, command: str = "", name: str = "empty") -> dmc.Card:
    """A card in place of missing data: the reason, and the command that produces the data."""
    parts = [dmc.Title(title, order=3), dmc.Text(reason, c="dimmed", ta="center", maw=560)]
    if command:
        copy = dmc.CopyButton(value=command, children="Copy", copiedChildren="Copied", size="xs", variant="light")
        parts.append(dmc.Group([dmc.Code(command, fz="sm", className="command"), copy], gap="xs", justify="center"))
    return dmc.Card(dmc.Stack(parts, align="center", py="xl", gap="sm"), id=name, className="empty")


def notice(text: Any, kind: str = "info", title: str | None = None) -> html.Div:
    """A remark (kind info), a warning (watch) or an error (bad), announced to screen readers."""
    colour = {"info": "sea", "watch": "orange", "bad": "red"}[kind]
    alert = dmc.Alert(text, title=title, color=colour, variant="light")
    return html.Div(alert, className=f"notice notice-{kind}", role="status")


def link_notices(left_out: Sequence[str]) -> list[html.Div]:
    """A warning about what a link says and the page leaves out (see url_state.unread); none without anything."""
    if not left_out:
        return []
    return [notice(f"This link holds what cannot be read and is left out: {'; '.join(left_out)}.", "watch")]


def loading_area(name: str, min_height: int = 400) -> dcc.Loading:
    """The place that a callback fills (its id is `name`), with a spinner while it works."""
    return dcc.Loading(html.Div(id=name, style={"minHeight": min_height}), delay_show=300)
