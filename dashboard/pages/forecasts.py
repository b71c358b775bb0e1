"""Forecasts: history and fan of a series, an aggregate, or a sum of series; any vintage, any model."""

from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from dashboard import choices, figures
from dashboard.async_queries import ask, show
from dashboard.columns import period_columns
from dashboard.components import chart, empty, grid, note, number, page, text_column
from dashboard.labels import NO_INTERVAL, command, labels, line_name, periods, unit
from dashboard.state import Field, decode, encode, one_of
from forecasting.config import Config
from forecasting.steps import export, queries

NAME, PATH, ORDER, ABOUT = "Forecasts", "/forecasts", 2, "Any series, any vintage"
NAMES = {"y": "Actual", "yhat": "Mean", "q50": "Median"}
SPANS = {"short": "3 horizons", "year": "1 year", "two": "2 years", "all": "All"}
LEAD = (
    "History and forecast with calibrated intervals. Search any series, take an aggregate, or pick several to add up."
)
FIELDS = (
    Field("show", ["group:total"], many=True),
    Field("vintage", None, choices.vintage_name),
    Field("model"),
    Field("span", "short", one_of(*SPANS)),
)


def layout(config: Config, query: dict[str, Any]) -> Any:
    """The controls as the query string has them; an empty body that a callback fills."""
    state = decode(FIELDS, query)
    vintages = choices.vintages(config)
    values = [v["value"] for v in vintages]
    vintage = state["vintage"] if state["vintage"] in values else next(iter(values), None)
    names = choices.models(config, vintage, state["show"])
    model = state["model"] if state["model"] in names else next(iter(names), None)
    options = choices.lines(config, "", state["show"])
    controls = _controls(options, state, (vintages, vintage), (names, model))
    body = dcc.Loading(html.Div(id="f-body", style={"minHeight": 400}), delay_show=300)
    return page("Forecasts", LEAD, controls, body, dcc.Download(id="f-file"))


def _controls(
    options: list[Any], state: dict[str, Any], vintages: tuple[Any, Any], models: tuple[Any, Any]
) -> dmc.Card:
    picker = dmc.MultiSelect(
        id="f-show",
        filter={"function": "asTheyCome"},
        label="Series or aggregate",
        description="Type to search all series",
        data=options,
        value=state["show"],
        searchable=True,
        clearable=True,
        hidePickedOptions=True,
        maxDropdownHeight=320,
        nothingFoundMessage="No series has these words in its name",
    )
    vintage = dmc.Select(
        id="f-vintage",
        label="Vintage",
        description="What was known when",
        data=vintages[0],
        value=vintages[1],
        allowDeselect=False,
    )
    model = dmc.Select(
        id="f-model", label="Model", description="Who answered", data=models[0], value=models[1], allowDeselect=False
    )
    spans = [{"value": value, "label": label} for value, label in SPANS.items()]
    span = dmc.RadioGroup(
        dmc.Group([dmc.Radio(**s) for s in spans], gap="sm", mt=8),
        id="f-span", label="History", value=state["span"],
    )  # fmt: skip
    download = dmc.Button("Export CSV", id="f-export", variant="light")
    cells = [
        (picker, {"base": 12, "lg": 6}),
        (vintage, {"base": 12, "xs": 6, "lg": 3}),
        (model, {"base": 12, "xs": 6, "lg": 3}),
    ]
    row = dmc.Grid([dmc.GridCol(c, span=s) for c, s in cells], gutter="md")
    return dmc.Card(dmc.Stack([row, dmc.Group([span, download], justify="space-between", align="flex-end")], gap="md"))


def register(app: Dash, config: Config) -> None:
    """Search, drawing, the address, the file."""
    names = ("f-show", "f-vintage", "f-model", "f-span")
    _register_controls(app, config)
    _register_answers(app, config, [Input(name, "value") for name in names])

    @app.callback(
        Output("f-file", "data"),
        Input("f-export", "n_clicks"),
        *(State(name, "value") for name in names[:3]),
        prevent_initial_call=True,
    )
    async def file(_: int, names: list[str] | None, vintage: str | None, model: str | None) -> Any:
        return await ask(_file, config, names or [], vintage, model) if ctx.triggered_id else no_update


def _register_controls(app: Dash, config: Config) -> None:
    """What can be chosen follows what was searched and chosen."""

    @app.callback(
        Output("f-show", "data"), Input("f-show", "searchValue"), State("f-show", "value"), prevent_initial_call=True
    )
    async def search(text: str | None, chosen: list[str] | None) -> Any:
        return await ask(choices.lines, config, text or "", chosen or [])

    @app.callback(Output("f-show", "value"), Input("f-show", "value"), prevent_initial_call=True)
    def alone(names: list[str] | None) -> Any:
        kept = choices.last_kind(names or [])
        return no_update if kept == names else kept

    @app.callback(
        Output("f-model", "data"),
        Output("f-model", "value"),
        Input("f-vintage", "value"),
        Input("f-show", "value"),
        State("f-model", "value"),
        prevent_initial_call=True,
    )
    async def who(vintage: str | None, shown: list[str] | None, model: str | None) -> Any:
        names = await ask(choices.models, config, vintage, shown or [])
        return names, model if model in names else next(iter(names), None)


def _register_answers(app: Dash, config: Config, chosen: list[Input]) -> None:
    """What is shown, and the address that says so."""

    @app.callback(Output("f-body", "children"), Input("scheme", "data"), *chosen)
    async def body(scheme: str | None, names: list[str] | None, vintage: str, model: str, span: str) -> Any:
        return await show(_body, config, names or [], vintage, model, span, scheme)

    @app.callback(Output("address", "data", allow_duplicate=True), *chosen, prevent_initial_call=True)
    def address(names: list[str] | None, vintage: str, model: str, span: str) -> dict[str, str]:
        state = {"show": names, "vintage": vintage, "model": model, "span": span}
        return {"path": PATH, "search": encode(FIELDS, state)}


def _body(
    config: Config, names: list[str], vintage: str | None, model: str | None, span: str, scheme: str | None
) -> Any:
    if vintage is None:
        why = "The main job reads the source, backtests, trains and publishes the first forecasts."
        return empty("No forecasts yet", why, command(config))
    of = queries.resolve_selection(config, names)
    if of is None:
        why = "Choose at least one above; names in a link that the data no longer hold are left out."
        return empty("No such series" if names else "No series chosen", why)
    cutoff, version = choices.vintage_of(vintage)
    ahead = queries.read_forecast(config, of, cutoff, version, model)
    if ahead.is_empty():
        why = f"{line_name(of)} has no rows by {model} at {cutoff}: it may have begun later or ended before."
        return empty("No forecast in this vintage", f"{why} Take another vintage or model.")
    now = queries.read_status(config)
    history = queries.read_history(config, of, _start(config, cutoff, span))
    if of.kind == "series" and cutoff == now.cutoff:
        history = pl.concat([history, queries.promotions_ahead(config, of.name)], how="diagonal")
    labelled = labels(config, line_name(of), scheme, now.through, f"forecast by {model}")
    fig = figures.fan(history, ahead, labelled, cutoff)
    remark = note(NO_INTERVAL) if of.kind == "sum" or not _has_bounds(ahead) else None
    facts = dmc.Text(_sentence(config, ahead, version), size="sm", c="dimmed", id="f-facts")
    columns = [*period_columns(config, ahead, NAMES), text_column("source", "Answered by")]
    parts = [chart("fan", fig, 440), remark, facts, grid("f-rows", ahead, columns, height=420)]
    return dmc.Stack([p for p in parts if p is not None], gap="md")


def _start(config: Config, cutoff: date, span: str) -> date | None:
    year = config.frequency.year
    back = {"short": 3 * config.h, "year": year, "two": 2 * year, "all": 0}[span]
    return config.frequency.shift(cutoff, -back) if back else None


def _has_bounds(ahead: pl.DataFrame) -> bool:
    return any(ahead[c].count() for c in ahead.columns if c.startswith("lo-"))


def _sentence(config: Config, ahead: pl.DataFrame, version: int | None) -> str:
    total = f"{number(ahead['yhat'].sum())} {unit(config)} in {periods(config, ahead.height)}"
    rest = ", ".join(sorted(set(ahead["interval"].drop_nulls()) - {""}))
    sources = ", ".join(sorted(set(ahead["source"].drop_nulls())))
    parts = [total, f"answered by {sources}" if sources else "", f"intervals: {rest}" if rest else ""]
    if version is None and ahead["y"].count():
        seen = ahead.drop_nulls("y")
        parts.append(f"{number(seen['y'].sum())} were sold in the {periods(config, seen.height)} observed")
    return " · ".join(p for p in parts if p)


def _file(config: Config, names: list[str], vintage: str | None, model: str | None) -> Any:
    of = queries.resolve_selection(config, names)
    if of is None or vintage is None:
        return no_update
    rows = queries.read_forecast(config, of, *choices.vintage_of(vintage), model)
    rows = rows.select(pl.lit(line_name(of)).alias("line"), pl.lit(vintage).alias("vintage"), pl.all())
    return {
        "content": export.csv(rows),
        "filename": f"{config.name}-forecast-{vintage.replace('@', '-')}.csv",
        "type": "text/csv",
    }
