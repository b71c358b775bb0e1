"""Controls of the forecasts page: `layout(config, query)` returns the page with its selects and an empty body.

query: the parsed query string with the keys of FIELDS. A vintage is a published forecast (cutoff and version) or a
backtest window.
"""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc

from dashboard import choices
from dashboard.components import link_notices, loading_area, page_frame
from dashboard.url_state import QueryField, decode, one_of, unread
from forecasting.config import Config
from forecasting.steps.session import open_session

PATH = "/forecasts"
SPANS = {"short": "3 horizons", "year": "1 year", "two": "2 years", "all": "All"}
"""Spans of the history before the cutoff, by their key in the query string."""
LEAD = (
    "History and forecast with calibrated intervals. Search any series, take an aggregate, or pick several to add up."
)
FIELDS = (
    QueryField("show", ["group:total"], many=True),
    QueryField("vintage", None, choices.parse_vintage),
    QueryField("model"),
    QueryField("span", "short", one_of(*SPANS)),
)


def layout(config: Config, query: dict[str, Any]) -> Any:
    """The controls as the query string sets them, and the place of the body."""
    session, state = open_session(config), decode(FIELDS, query)
    vintages = choices.vintage_options(session)
    values = [option["value"] for option in vintages]
    vintage = state["vintage"] if state["vintage"] in values else next(iter(values), None)
    models = choices.model_options(session, vintage, state["show"])
    model = state["model"] if state["model"] in models else next(iter(models), None)
    selects = [
        (_selection(choices.selection_options(session, "", state["show"]), state["show"]), {"base": 12, "lg": 6}),
        (_vintage(vintages, vintage), {"base": 12, "xs": 6, "lg": 3}),
        (_model(models, model), {"base": 12, "xs": 6, "lg": 3}),
    ]
    row = dmc.Grid([dmc.GridCol(select, span=span) for select, span in selects], gutter="md")
    controls = dmc.Card(dmc.Stack([row, _span_and_export(state["span"])], gap="md"))
    remarks = link_notices(unread(FIELDS, query))
    return page_frame(
        "Forecasts", LEAD, *remarks, controls, loading_area("forecasts-body"), dcc.Download(id="forecasts-file")
    )


def _selection(options: list[Any], value: list[str]) -> dmc.MultiSelect:
    return dmc.MultiSelect(
        id="forecasts-selection",
        filter={"function": "keepServerOrder"},
        label="Series or aggregate",
        description="Type to search all series",
        data=options,
        value=value,
        searchable=True,
        clearable=True,
        hidePickedOptions=True,
        maxDropdownHeight=320,
        nothingFoundMessage="No series has these words in its name",
    )


def _vintage(options: list[Any], value: str | None) -> dmc.Select:
    return dmc.Select(
        id="forecasts-vintage",
        label="Vintage",
        description="Made from the data up to its cutoff",
        data=options,
        value=value,
        allowDeselect=False,
    )


def _model(options: list[str], value: str | None) -> dmc.Select:
    return dmc.Select(
        id="forecasts-model",
        label="Model",
        description="The champion comes first",
        data=options,
        value=value,
        allowDeselect=False,
    )


def _span_and_export(span: str) -> dmc.Group:
    radios = dmc.Group([dmc.Radio(value=value, label=label) for value, label in SPANS.items()], gap="sm", mt=8)
    history = dmc.RadioGroup(radios, id="forecasts-span", label="History", value=span)
    export = dmc.Button("Export CSV", id="forecasts-export", variant="light")
    return dmc.Group([history, export], justify="space-between", align="flex-end")
