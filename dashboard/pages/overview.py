"""Overview: how good, how much, how fresh and how sound, in one look."""

from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import Dash, Input, Output, dcc, html

from dashboard import figures
from dashboard.async_queries import show
from dashboard.components import chart, empty, grid, kpi, lamp, number, number_column, page, percent, text_column
from dashboard.labels import command, labels, periods, unit
from forecasting.config import Config
from forecasting.steps import queries

NAME, PATH, ORDER, ABOUT = "Overview", "/", 1, "How good, how much"
BIAS_BAND = 0.03
COVERAGE_BAND = 0.04
HISTORY = 4
"""Horizons of history before the forecast."""


def layout(config: Config, _: dict[str, Any]) -> Any:
    """The empty page; its numbers come from a callback."""
    ahead = f"The next {periods(config, config.h)} of {config.name}"
    lead = f"{ahead}, how far the forecasts can be trusted, and whether the data are sound."
    return page("Overview", lead, dcc.Loading(html.Div(id="overview", style={"minHeight": 400}), delay_show=300))


def register(app: Dash, config: Config) -> None:
    """The callback that fills the page."""

    @app.callback(Output("overview", "children"), Input("scheme", "data"))
    async def overview(scheme: str | None) -> Any:
        return await show(_body, config, scheme)


def _body(config: Config, scheme: str | None) -> Any:
    now = queries.read_status(config)
    if now.through is None:
        return empty("No data yet", "The main job reads the source, backtests, trains and forecasts.", command(config))
    total = queries.resolve_selection(config, ["group:total"])
    assert total is not None  # ingest writes the total with the panel
    parts = [_kpis(config, now), _total(config, now, total, scheme), _lower(config, now, scheme)]
    return dmc.Stack(parts, gap="lg")


def _kpis(config: Config, now: queries.Status) -> dmc.SimpleGrid:
    k = queries.read_kpis(config)
    return dmc.SimpleGrid(
        [_accuracy(k), _bias(k), _coverage(k), _volume(config, k)], cols={"base": 1, "xs": 2, "lg": 4}
    )


def _accuracy(k: queries.Kpis) -> dmc.Card:
    accuracy = None if k.wape is None else 1 - k.wape
    if k.wape is None or k.ladder is None:
        return kpi("kpi-accuracy", "Accuracy (1 − WAPE)", percent(accuracy), "no backtest scored yet")
    light, verdict = ("ok", "beats the naive ladder") if k.wape < k.ladder else ("watch", "no better than the ladder")
    return kpi(
        "kpi-accuracy",
        "Accuracy (1 − WAPE)",
        percent(accuracy),
        f"naive ladder {percent(1 - k.ladder)}",
        light,
        verdict,
    )


def _bias(k: queries.Kpis) -> dmc.Card:
    band = f"band ±{BIAS_BAND:.0%}"
    if k.bias is None:
        return kpi("kpi-bias", "Bias", "–", band)
    inside = abs(k.bias) <= BIAS_BAND
    verdict = "inside the band" if inside else "too high" if k.bias > 0 else "too low"
    return kpi("kpi-bias", "Bias", percent(k.bias, 1, "+"), band, "ok" if inside else "watch", verdict)


def _coverage(k: queries.Kpis) -> dmc.Card:
    label, nominal = f"Coverage of the {k.level} % interval", k.level / 100
    if k.coverage is None:
        return kpi("kpi-coverage", label, "–", f"nominal {k.level} %")
    off = k.coverage - nominal
    verdict = (
        "as promised" if abs(off) <= COVERAGE_BAND else "intervals too wide" if off > 0 else "intervals too narrow"
    )
    return kpi(
        "kpi-coverage",
        label,
        percent(k.coverage),
        f"nominal {k.level} %",
        "ok" if verdict == "as promised" else "watch",
        verdict,
    )


def _volume(config: Config, k: queries.Kpis) -> dmc.Card:
    label = f"Forecast, next {periods(config, config.h)}"
    if k.change is None or k.change.share is None:
        return kpi("kpi-volume", label, number(k.total), f"{unit(config)}; no year before to compare with")
    matched = f"{k.change.matched} of {k.change.series} series matched"
    return kpi(
        "kpi-volume",
        label,
        number(k.total),
        f"{percent(k.change.share, 1, '+')} on the same days a year before",
        "unknown",
        matched,
    )


def _total(config: Config, now: queries.Status, total: queries.Selection, scheme: str | None) -> dmc.Card:
    through = now.through
    start = config.frequency.shift(through, -HISTORY * config.h) if through else None
    history = queries.read_history(config, total, start)
    newest = queries.list_vintages(config).filter(pl.col("kind") == "published").head(1)
    if newest.is_empty():
        fig = figures.fan(history, pl.DataFrame({"ds": [], "yhat": []}), labels(config, "Total sales", scheme, through))
        return dmc.Stack(
            [
                chart("total", fig),
                empty("No forecast yet", "Nothing has been published.", command(config), "no-forecast"),
            ]
        )
    cutoff, version, _ = newest.row(0)
    ahead = queries.read_forecast(config, total, cutoff, version, queries.list_models(config, cutoff, version)[0])
    note = "" if ahead["yhat"].count() == 0 or ahead["q50"].count() else "sum of series, no interval"
    return chart(
        "total", figures.fan(history, ahead, labels(config, "Total sales and forecast", scheme, through, note), cutoff)
    )


def _lower(config: Config, now: queries.Status, scheme: str | None) -> dmc.Grid:
    span = "week" if config.frequency.days == 1 else config.frequency.unit
    title = f"Last {queries.RECENT_SPANS} {span}s and a year before"
    context = chart(
        "recent", figures.recent(queries.read_recent_sales(config), labels(config, title, scheme, now.through)), 340
    )
    return dmc.Grid(
        [
            dmc.GridCol(dmc.Stack([context, _top(config)], gap="lg"), span={"base": 12, "lg": 8}),
            dmc.GridCol(
                dmc.Stack([_gate(config), _quality(config), _drift(config)], gap="lg"), span={"base": 12, "lg": 4}
            ),
        ],
        gutter="lg",
    )


def _top(config: Config) -> Any:
    top = queries.read_largest_series(config)
    if top.is_empty():
        return empty("No series to rank", "There is no published forecast.", command(config), "no-top")
    rows = top.with_columns(change=pl.col("yhat") / pl.col("last_year") - 1)
    priced = bool(rows["value"].count())
    columns = [
        text_column("unique_id", "Series", cellRenderer="SeriesLink", minWidth=150),
        number_column("yhat", f"Forecast ({unit(config)})", 0),
        number_column("last_year", "Year before", 0),
        {
            **number_column("change", "Change"),
            "valueFormatter": {"function": "params.value == null ? '–' : d3.format('+.1%')(params.value)"},
        },
    ]
    columns += [number_column("value", "Value (last price)", 0)] if priced else []
    by = "value" if priced else "units"
    heading = dmc.Title(f"Largest series of the next {periods(config, config.h)}, by {by}", order=2, size="h4", mb="sm")
    return dmc.Card([heading, grid("top", rows, columns, height=440)])


def _gate(config: Config) -> dmc.Card:
    train = queries.read_run_facts(config, "train")
    if not train:
        return _side(
            "Model", [dmc.Text("Nothing has been trained yet.", c="dimmed"), dmc.Code(command(config, "train"))]
        )
    light, verdict = ("ok", "promoted") if train.get("promoted") else ("watch", "kept, the newer one was not promoted")
    body = [
        dmc.Group(
            [
                dmc.Text(train.get("champion"), fw=600),
                dmc.Badge(f"version {train.get('version')}", variant="light", tt="none"),
            ]
        ),
        lamp(light, verdict),
        dmc.Text(train.get("reason"), size="sm", c="dimmed"),
    ]
    return _side("Model", body, "gate")


def _quality(config: Config) -> dmc.Card:
    ingest = queries.read_run_facts(config, "ingest")
    lines, bad = ingest.get("lines") or 0, ingest.get("quarantined") or 0
    keys, filled = ingest.get("keys") or 0, ingest.get("filled") or 0
    share = bad / lines if lines else 0.0
    light = "ok" if not bad else "watch" if share <= config.limits.quarantined else "bad"
    rules = ", ".join(f"{rule} {n:,}" for rule, n in (ingest.get("quarantined_by_rule") or {}).items())
    body = [
        lamp(light, f"{bad:,} of {lines:,} lines quarantined ({percent(share, 2)})"),
        dmc.Text(rules, size="sm", c="dimmed") if rules else None,
        dmc.Text(f"{filled:,} of {keys:,} keys filled for gaps ({percent(filled / keys if keys else 0)})", size="sm"),
    ]
    return _side("Data quality", [b for b in body if b is not None], "quality")


def _drift(config: Config) -> dmc.Card:
    table = queries.read_drift(config)
    if table.is_empty():
        return _side("Drift", [lamp("unknown", "not checked yet"), dmc.Code(command(config, "monitor"))], "drift-light")
    last = table.filter(pl.col("cutoff") == pl.col("cutoff").max())
    moved = last.filter("drifted")["column"].to_list()
    light, words = (
        ("watch", f"{len(moved)} of {last.height} columns drifted")
        if moved
        else ("ok", f"none of {last.height} columns drifted")
    )
    body = [
        lamp(light, words),
        dmc.Text(", ".join(moved), size="sm", c="dimmed"),
        dmc.Anchor("See the report", href="/drift", size="sm"),
    ]
    return _side("Drift", body, "drift-light")


def _side(title: str, body: list[Any], name: str = "") -> dmc.Card:
    card = [dmc.Title(title, order=2, size="h4", mb=6), dmc.Stack(body, gap=6)]
    return dmc.Card(card, id=name) if name else dmc.Card(card)
