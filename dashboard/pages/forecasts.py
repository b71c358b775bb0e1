"""Forecasts: history and fan of a series, an aggregate, or a sum of series; any vintage, any model."""

from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from dashboard import figures
from dashboard.asking import ask, show
from dashboard.components import chart, empty, grid, note, number, number_column, page, text_column
from dashboard.state import Field, decode, encode, iso, one_of
from dashboard.words import command, group_name, labels, line_name, periods, unit
from forecasting.config import Config
from forecasting.data.schemas import bounds
from forecasting.steps import export, queries
from forecasting.steps.queries.lines import NO_INTERVAL

NAME, PATH, ORDER, ABOUT = "Forecasts", "/forecasts", 2, "Any series, any vintage"
SPANS = {"short": "3 horizons", "year": "1 year", "two": "2 years", "all": "All"}
FOUND = 50


def vintage_name(text: str) -> str:
    """A reader of "2015-06-19@3" or "2015-06-19@backtest"."""
    cutoff, _, version = text.partition("@")
    return f"{iso(cutoff)}@{version if version == 'backtest' else int(version)}"


LEAD = (
    "History and forecast with calibrated intervals. Search any series, take an aggregate, or pick several to add up."
)
FIELDS = (
    Field("show", ["group:total"], many=True),
    Field("vintage", None, vintage_name),
    Field("model"),
    Field("span", "short", one_of(*SPANS)),
)


def layout(config: Config, query: dict[str, Any]) -> Any:
    """The controls as the query string has them; an empty body that a callback fills."""
    state = decode(FIELDS, query)
    vintages = _vintages(config)
    values = [v["value"] for v in vintages]
    vintage = state["vintage"] if state["vintage"] in values else next(iter(values), None)
    names = _models(config, vintage, state["show"])
    model = state["model"] if state["model"] in names else next(iter(names), None)
    options = _options(config, "", state["show"])
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

    @app.callback(
        Output("f-show", "data"), Input("f-show", "searchValue"), State("f-show", "value"), prevent_initial_call=True
    )
    async def search(text: str | None, chosen: list[str] | None) -> Any:
        return await ask(_options, config, text or "", chosen or [])

    @app.callback(Output("f-show", "value"), Input("f-show", "value"), prevent_initial_call=True)
    def alone(names: list[str] | None) -> Any:
        kept = last_kind(names or [])
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
        names = await ask(_models, config, vintage, shown or [])
        return names, model if model in names else next(iter(names), None)

    chosen = [
        Input("f-show", "value"),
        Input("f-vintage", "value"),
        Input("f-model", "value"),
        Input("f-span", "value"),
    ]

    @app.callback(Output("f-body", "children"), Input("scheme", "data"), *chosen)
    async def body(scheme: str | None, names: list[str] | None, vintage: str, model: str, span: str) -> Any:
        return await show(_body, config, names or [], vintage, model, span, scheme)

    @app.callback(Output("address", "data", allow_duplicate=True), *chosen, prevent_initial_call=True)
    def address(names: list[str] | None, vintage: str, model: str, span: str) -> dict[str, str]:
        return {
            "path": PATH,
            "search": encode(FIELDS, {"show": names, "vintage": vintage, "model": model, "span": span}),
        }

    @app.callback(
        Output("f-file", "data"),
        Input("f-export", "n_clicks"),
        *(State(c.component_id, "value") for c in chosen[:3]),
        prevent_initial_call=True,
    )
    async def file(_: int, names: list[str] | None, vintage: str | None, model: str | None) -> Any:
        return await ask(_file, config, names or [], vintage, model) if ctx.triggered_id else no_update


def last_kind(names: list[str]) -> list[str]:
    """What a choice comes to: an aggregate stands alone, series add up, and the one chosen last says which."""
    if names and names[-1].startswith("group:"):
        return names[-1:]
    return [n for n in names if not n.startswith("group:")]


def _options(config: Config, text: str, chosen: list[str]) -> list[Any]:
    """Aggregates and series that fit the search, and those already chosen: their pills need their words."""
    words = text.lower().split()
    aggregates = [{"value": f"group:{g}", "label": group_name(g)} for g in queries.groups(config)]
    fitting = [a for a in aggregates if a["value"] in chosen or all(w in a["label"].lower() for w in words)]
    found = queries.find_series(config, text, FOUND)
    kept = [c.removeprefix("series:") for c in chosen if c.startswith("series:")]
    series = [{"value": f"series:{s}", "label": s} for s in dict.fromkeys([*kept, *found])]
    count = queries.series_count(config)
    head = f"Series ({len(found)} of {count:,}: type to narrow)" if count > len(found) else f"Series ({count:,})"
    return [
        g for g in ({"group": "Aggregates", "items": fitting[:100]}, {"group": head, "items": series}) if g["items"]
    ]


def _vintages(config: Config) -> list[dict[str, str]]:
    rows = queries.vintages(config).iter_rows()
    return [
        {"value": f"{cutoff}@{version}", "label": f"{cutoff} · version {version}"}
        if kind == "published"
        else {"value": f"{cutoff}@backtest", "label": f"{cutoff} · backtest"}
        for cutoff, version, kind in rows
    ]


def _models(config: Config, vintage: str | None, names: list[str]) -> list[str]:
    return queries.models(config, *_parse(vintage), queries.line(config, names)) if vintage else []


def _parse(vintage: str) -> tuple[date, int | None]:
    cutoff, _, version = vintage.partition("@")
    return date.fromisoformat(cutoff), None if version == "backtest" else int(version)


def _body(
    config: Config, names: list[str], vintage: str | None, model: str | None, span: str, scheme: str | None
) -> Any:
    if vintage is None:
        why = "The main job reads the source, backtests, trains and publishes the first forecasts."
        return empty("No forecasts yet", why, command(config))
    of = queries.line(config, names)
    if of is None:
        why = "Choose at least one above; names in a link that the data no longer hold are left out."
        return empty("No such series" if names else "No series chosen", why)
    cutoff, version = _parse(vintage)
    ahead = queries.forecast(config, of, cutoff, version, model)
    if ahead.is_empty():
        why = f"{line_name(of)} has no rows by {model} at {cutoff}: it may have begun later or ended before."
        return empty("No forecast in this vintage", f"{why} Take another vintage or model.")
    history = queries.history(config, of, _start(config, cutoff, span))
    through = queries.status(config).through
    labelled = labels(config, line_name(of), scheme, through, f"forecast by {model}")
    fig = figures.fan(history, ahead, labelled, cutoff)
    remark = note(NO_INTERVAL) if of.kind == "sum" or not _has_bounds(ahead) else None
    facts = dmc.Text(_sentence(config, ahead, version), size="sm", c="dimmed", id="f-facts")
    parts = [chart("fan", fig, 440), remark, facts, grid("f-rows", ahead, _columns(config, ahead), height=420)]
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


def _columns(config: Config, ahead: pl.DataFrame) -> list[dict[str, Any]]:
    names = {"yhat": "Mean", "q50": "Median"} | {
        b: f"{'Low' if b[:2] == 'lo' else 'High'} {b[3:]} %" for b in bounds(config.level)
    }
    columns = [text_column("ds", figures.PERIOD[config.freq].title(), pinned="left", maxWidth=130)]
    columns += [number_column("y", f"Actual ({unit(config)})")] if "y" in ahead.columns else []
    columns += [number_column(c, f"{label} ({unit(config)})") for c, label in names.items() if c in ahead.columns]
    return [*columns, text_column("source", "Answered by")]


def _file(config: Config, names: list[str], vintage: str | None, model: str | None) -> Any:
    of = queries.line(config, names)
    if of is None or vintage is None:
        return no_update
    rows = queries.forecast(config, of, *_parse(vintage), model)
    rows = rows.select(pl.lit(line_name(of)).alias("line"), pl.lit(vintage).alias("vintage"), pl.all())
    return {
        "content": export.csv(rows),
        "filename": f"{config.name}-forecast-{vintage.replace('@', '-')}.csv",
        "type": "text/csv",
    }
