"""Body of the overview: `draw_body(session, scheme)` returns key figures, charts, largest series and state cards.

The forecast is the newest published one, by its champion; before the first run it shows the command for it.
"""

from typing import Any

import dash_mantine_components as dmc
import polars as pl

from dashboard import figures
from dashboard.components import chart_card, data_table, empty_state, number_column, text_column
from dashboard.labels import chart_labels, count_periods, run_command, unit_name
from dashboard.pages.overview.kpi_cards import kpi_cards
from dashboard.pages.overview.state_cards import state_cards
from forecasting.steps import queries
from forecasting.steps.session import Session

HISTORY = 4
"""Horizons of history that are shown before the forecast."""
SIGNED_PERCENT, PERCENT = (
    {"function": f"params.value == null ? '–' : d3.format('{form}')(params.value)"} for form in ("+.1%", ".1%")
)
"""The formats of a share in a table cell, with its sign and without."""


def draw_body(session: Session, scheme: str | None) -> Any:
    """The body in the colours of `scheme`; before the first run the command that starts it."""
    status = queries.read_status(session)
    if status.through is None:
        reason = "The main job reads the source, backtests, trains and forecasts."
        return empty_state("No data yet", reason, run_command(session.config))
    parts = [
        kpi_cards(session.config, queries.read_kpis(session)),
        _total_forecast(session, status, scheme),
        _details(session, status, scheme),
    ]
    return dmc.Stack(parts, gap="lg")


def _total_forecast(session: Session, status: queries.Status, scheme: str | None) -> Any:
    config, through = session.config, status.through
    start = config.frequency.shift(through, -HISTORY * config.h) if through else None
    history = queries.read_history(session, queries.TOTAL, start)
    published = queries.list_vintages(session).filter(pl.col("kind") == "published")
    if published.is_empty():
        labels = chart_labels(config, "Total sales", scheme, through)
        fig = figures.plot_forecast(history, pl.DataFrame({"ds": [], "yhat": []}), labels)
        reason = "No forecast has been published."
        empty = empty_state("No forecast yet", reason, run_command(config), "overview-no-forecast")
        return dmc.Stack([chart_card("overview-forecast", fig), empty])
    cutoff, version, _ = published.row(0)
    forecast = queries.read_forecast(session, queries.TOTAL, cutoff, version, status.champion)
    bare = forecast["yhat"].count() and not forecast["q50"].count()
    note = "sum of all series, without an interval" if bare else ""
    labels = chart_labels(config, "Total sales and forecast", scheme, through, note)
    return chart_card("overview-forecast", figures.plot_forecast(history, forecast, labels, cutoff))


def _details(session: Session, status: queries.Status, scheme: str | None) -> dmc.Grid:
    """Recent sales and the largest series on the left, state of model and data on the right."""
    config = session.config
    span = "week" if config.frequency.days == 1 else config.frequency.unit
    title = f"Last {queries.RECENT_SPANS} {span}s and a year before"
    labels = chart_labels(config, title, scheme, status.through)
    fig = figures.plot_recent_sales(queries.read_recent_sales(session), labels)
    left = dmc.Stack([chart_card("overview-recent", fig, 340), _largest_series(session)], gap="lg")
    columns = [
        dmc.GridCol(left, span={"base": 12, "lg": 8}),
        dmc.GridCol(state_cards(session), span={"base": 12, "lg": 4}),
    ]
    return dmc.Grid(columns, gutter="lg")


def _largest_series(session: Session) -> Any:
    config, largest = session.config, queries.read_largest_series(session)
    if largest.is_empty():
        reason = "There is no published forecast."
        return empty_state("No series to rank", reason, run_command(config), "overview-no-series")
    rows = largest.with_columns(change=pl.col("yhat") / pl.col("last_year") - 1)
    priced = bool(rows["value"].count())
    columns = [
        text_column("unique_id", "Series", cellRenderer="SeriesLink", minWidth=150),
        number_column("yhat", f"Forecast ({unit_name(config)})", 0),
        number_column("last_year", "Year before", 0),
        number_column("change", "Change") | {"valueFormatter": SIGNED_PERCENT},
    ]
    columns += [number_column("value", "Value (last price)", 0)] if priced else []
    columns.append(number_column("wape", "WAPE") | {"valueFormatter": PERCENT})
    title = f"Largest series of the next {count_periods(config, config.h)}, by {'value' if priced else 'units'}"
    heading = dmc.Title(title, order=2, size="h4", mb="sm")
    return dmc.Card([heading, data_table("overview-largest", rows, columns, height=440)])
