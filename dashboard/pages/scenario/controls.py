"""Controls of the scenario page: `layout(config, query)` returns series, days, change and plan, without a result.

query: the parsed query string with the keys of FIELDS. Without a forecast or a known-ahead column: the reason.
"""

from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import dcc, html

from dashboard import choices
from dashboard.components import (
    data_table,
    empty_state,
    link_notices,
    loading_area,
    page_frame,
    period_column,
    text_column,
)
from dashboard.labels import run_command
from dashboard.pages.scenario.change_list import OPERATIONS, value_hint
from dashboard.pages.scenario.changes import normalize_change
from dashboard.pages.scenario.compare import comparison_card
from dashboard.pages.scenario.saved import saved_scenarios_card
from dashboard.url_state import QueryField, decode, iso_date, unread
from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.data.edits import format_edit
from forecasting.features.joined_names import split_label
from forecasting.planning.scenario import CLOSING, HOLIDAY, NEW, sql_text
from forecasting.steps import actions, queries
from forecasting.steps.session import Session, open_session

PATH = "/scenario"
LEAD = (
    "Change what is known ahead for one series, or for many, and see what the model expects. The plan stays as it is."
)
TRIMMED = {"function": "params.value == null ? '' : d3.format('.10~r')(params.value)"}
"""Numbers of the plan without the digits that rounding errors add."""
FIELDS = (
    QueryField("series"),
    QueryField("start", None, iso_date),
    QueryField("end", None, iso_date),
    QueryField("change", [], normalize_change, many=True),
    QueryField("where"),
    QueryField("saved"),
    QueryField("compare", [], many=True),
)
MOST_SEGMENTS = 30
"""Conditions that are offered; any other can be written."""


def layout(config: Config, query: dict[str, Any]) -> Any:
    """The controls as the query string sets them, the plan, and the place of the result."""
    session = open_session(config)
    cutoff = queries.read_status(session).cutoff
    if cutoff is None:
        reason = "A scenario needs a published forecast."
        return page_frame("Scenario", LEAD, empty_state("No forecast to change yet", reason, run_command(config)))
    state = _open_saved(session, decode(FIELDS, query))
    series = state["series"] or next(iter(queries.find_series(session, "", 1)), None)
    first, last = (config.frequency.shift(cutoff, step) for step in (1, config.h))
    dates = [state["start"] or str(first), state["end"] or str(last)]
    return page_frame(
        "Scenario",
        LEAD,
        *link_notices(unread(FIELDS, query)),
        dcc.Store(id="scenario-changes", data=state["change"]),
        dcc.Store(id="scenario-outcome"),
        dcc.Download(id="scenario-file"),
        _controls(session, series, state["where"], dates, (first, last)),
        _plan(session, series),
        loading_area("scenario-result", 200),
        saved_scenarios_card(state["saved"] or ""),
        comparison_card(session, state["compare"]),
    )


def _open_saved(session: Session, state: dict[str, Any]) -> dict[str, Any]:
    """The state with series and changes of the saved scenario that a link names, if there is one of this name."""
    found = [saved for saved in actions.list_saved_scenarios(session) if saved.name == state["saved"]]
    if not found or state["change"]:
        return state
    saved = found[0]
    changes = [format_edit(edit) for edit in saved.edits]
    return state | {"series": saved.unique_id, "where": saved.where, "change": changes}


def _controls(
    session: Session, series: str | None, where: str | None, dates: list[str], horizon: tuple[date, date]
) -> dmc.Card:
    third, quarter = {"base": 12, "sm": 4}, {"base": 6, "sm": 3}
    cells = [
        (_series(session, series), third),
        (_where(session, where), third),
        (_dates(session.config, dates, horizon), third),
        *((control, quarter) for control in _change(session.config)),
    ]
    row = dmc.Grid([dmc.GridCol(control, span=span) for control, span in cells], gutter="md", align="flex-end")
    run = dmc.Button("Run scenario", id="scenario-run")
    export = dmc.Button("Export all rows", id="scenario-export", variant="default")
    buttons = dmc.Group([run, dmc.Button("Clear", id="scenario-clear", variant="default"), export])
    return dmc.Card(dmc.Stack([row, html.Div(id="scenario-change-list", role="status"), buttons], gap="md"))


def _series(session: Session, series: str | None) -> dmc.Select:
    return dmc.Select(
        id="scenario-series",
        label="Series",
        description="Type to search all series",
        searchable=True,
        filter={"function": "keepServerOrder"},
        value=series,
        data=choices.series_options(session, "", series),
        allowDeselect=False,
        nothingFoundMessage="No series has these words",
    )


def _where(session: Session, where: str | None) -> dmc.Autocomplete:
    """A condition for several series; segments are offered."""
    groups = [split_label(name) for name in queries.list_aggregates(session) if name != "total"][:MOST_SEGMENTS]
    offered = [" AND ".join(f"{column} = {sql_text(value)}" for column, value in pairs) for pairs in groups]
    return dmc.Autocomplete(
        id="scenario-where",
        label="Or several series",
        description="A condition; it goes before the series",
        placeholder="for example store = 'S1'",
        value=where or "",
        data=offered,
        clearable=True,
    )


def _dates(config: Config, dates: list[str], horizon: tuple[date, date]) -> dmc.DatePickerInput:
    first, last = horizon
    return dmc.DatePickerInput(
        id="scenario-dates",
        type="range",
        valueFormat="YYYY-MM-DD",
        value=dates,
        label=f"{config.frequency.unit.title()}s to change",
        description=f"Between {first} and {last}",
        minDate=str(first),
        maxDate=str(last),
        allowSingleDateInRange=True,
    )


def _change(config: Config) -> list[Any]:
    """Column, operation, value, and the button that adds the change."""
    columns = list(dict.fromkeys([*map(user_name, config.columns.known_ahead), CLOSING, *_holiday(config), NEW]))
    operations = [{"value": value, "label": label} for value, label in OPERATIONS.items()]
    return [
        dmc.Select(id="scenario-column", label="Column", data=columns, value=columns[0], allowDeselect=False),
        dmc.Select(id="scenario-operation", label="Change", data=operations, value="=", allowDeselect=False),
        dmc.TextInput(id="scenario-value", label="Value", **value_hint(columns[0], None)),
        dmc.Button("Add change", id="scenario-add", variant="light", fullWidth=True),
    ]


def _holiday(config: Config) -> list[str]:
    """The word that adds a holiday, where models know of any."""
    return [HOLIDAY] if config.calendar.country or config.calendar.country_column else []


def _plan(session: Session, series: str | None) -> dmc.Card:
    """The known-ahead columns of the coming periods, which can be edited cell by cell."""
    rows = queries.read_plan(session, series) if series else pl.DataFrame()
    columns = [period_column(session.config)]
    for name in session.config.columns.known_ahead:
        numeric = name in rows.columns and rows.schema[name].is_numeric()
        shown = user_name(name)
        columns.append(
            text_column(name, shown, colId=shown, editable=True) | ({"valueFormatter": TRIMMED} if numeric else {})
        )
    title = dmc.Title("The plan", order=2, size="h4")
    hint = dmc.Text("Edit a cell (Enter or double click) to change a single day.", size="sm", c="dimmed", mb="sm")
    table = data_table("scenario-plan", rows, columns, height=300, getRowId="params.data.ds")
    return dmc.Card([title, hint, table], id="scenario-plan-card")
