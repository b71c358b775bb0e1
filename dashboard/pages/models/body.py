"""Body of the models page: `draw_body(session)` returns who forecasts, and a table of all versions.

`promotion_card()` is the form for changes by hand; only components are made here.
"""

from typing import Any

import dash_mantine_components as dmc
import polars as pl
import polars.selectors as cs
from dash import html

from dashboard.components import card, data_table, empty_state, number_column, status_light, text_column
from dashboard.labels import run_command
from forecasting.steps.lifecycle.listing import list_versions
from forecasting.steps.session import Session

WRAPPED = {"wrapText": True, "autoHeight": True, "cellStyle": {"lineHeight": "1.4", "paddingBlock": "8px"}}
COLUMNS = [
    number_column("version", "Version", 0, minWidth=75, maxWidth=90),
    text_column("role", "Role", minWidth=100),
    text_column("cutoff", "Sales up to", minWidth=100),
    text_column("model", "Model", minWidth=110, **WRAPPED),
    number_column("wape", "Backtest WAPE (%)", minWidth=90),
    number_column("bias", "Backtest bias (%)", minWidth=90),
    number_column("live_wape", "Live WAPE (%)", minWidth=75),
    number_column("live_n", "Live rows", 0, minWidth=65),
    text_column("registered", "Trained (UTC)", minWidth=100, **WRAPPED),
    text_column("why", "Why", minWidth=180, flex=3, **WRAPPED),
]


def draw_body(session: Session) -> Any:
    """Who forecasts, and all versions, the newest first; without any the command that trains one."""
    versions = list_versions(session)
    if versions.is_empty():
        reason = "A training registers a version; the gate decides whether it forecasts."
        return empty_state("No versions yet", reason, run_command(session.config))
    registered = pl.col("registered").dt.strftime("%Y-%m-%d %H:%M")
    shown = versions.with_columns(cs.float() * 100, registered=registered)  # all that is not counted is a share
    return dmc.Stack([*_in_charge(versions), data_table("models-versions", shown, COLUMNS, height=520)], gap="md")


def promotion_card() -> dmc.Card:
    """The form by which an admin makes another version the champion."""
    hint = (
        "The champion of before becomes the challenger, so that both are scored. Forecasts of the new one are "
        "published by the next predict. Rolling back goes to the version that the present champion has replaced."
    )
    fields = [
        (dmc.NumberInput(id="models-version", label="Version", min=1, allowDecimal=False), {"base": 12, "sm": 2}),
        (
            dmc.TextInput(id="models-reason", label="Reason", placeholder="it is kept with the version"),
            {"base": 12, "sm": 6},
        ),
        (dmc.Button("Promote", id="models-promote", fullWidth=True), {"base": 6, "sm": 2}),
        (dmc.Button("Roll back", id="models-rollback", variant="default", fullWidth=True), {"base": 6, "sm": 2}),
    ]
    form = dmc.Grid([dmc.GridCol(field, span=span) for field, span in fields], gutter="md", align="flex-end")
    message = html.Div(id="models-message", role="status")
    return card("Another champion", [dmc.Text(hint, size="sm", c="dimmed"), form, message])


def _in_charge(versions: pl.DataFrame) -> list[Any]:
    """A line for the champion and for the challenger."""
    lines = {"champion": "ok", "challenger": "unknown"}
    found = {row["role"]: row for row in versions.iter_rows(named=True) if row["role"]}
    return [
        status_light(light, f"Version {found[role]['version']} is the {role}: {found[role]['why'] or 'no reason kept'}")
        for role, light in lines.items()
        if role in found
    ]
