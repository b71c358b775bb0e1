"""Body of the forecasts page: `draw_body(session, chosen, span, scheme)` returns chart, summary and table.

chosen: (names like "series:A/1" or "group:total", vintage "<cutoff>@<version>" or "<cutoff>@backtest", model); span:
how much history, a key of SPANS. Stored forecasts only; without one, the reason why.
"""

from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl

from dashboard import figures
from dashboard.choices import split_vintage
from dashboard.components import chart_card, data_table, empty_state, notice, period_columns, text_column
from dashboard.formats import format_number
from dashboard.labels import (
    NEW_SERIES,
    NO_INTERVAL,
    chart_labels,
    count_periods,
    interval_label,
    run_command,
    selection_label,
    source_label,
    unit_name,
)
from forecasting.config import Config
from forecasting.steps import queries
from forecasting.steps.session import Session

HEADERS = {"y": "Actual", "yhat": "Mean", "q50": "Median"}
"""Columns of the table, with their headers; bounds of intervals are added where there are any."""


def draw_body(session: Session, chosen: tuple[list[str], str | None, str | None], span: str, scheme: str | None) -> Any:
    """The forecast of `chosen`: names of series or an aggregate, vintage, model; or why there is none to show."""
    names, vintage, model = chosen
    config = session.config
    if vintage is None:
        reason = "The main job reads the source, backtests, trains and publishes the first forecasts."
        return empty_state("No forecasts yet", reason, run_command(config))
    selection = queries.resolve_selection(session, names)
    if selection is None:
        reason = "Choose at least one above; names in a link that are no longer in the data are left out."
        return empty_state("No such series" if names else "No series chosen", reason)
    cutoff, version = split_vintage(vintage)
    forecast = queries.read_forecast(session, selection, cutoff, version, model)
    if forecast.is_empty():
        reason = f"{selection_label(selection)} has no forecast by {model} at {cutoff}: its sales may have begun later "
        return empty_state("No forecast in this vintage", f"{reason}or ended before. Take another vintage or model.")
    through = queries.read_status(session).through
    labels = chart_labels(config, selection_label(selection), scheme, through, f"forecast by {model}")
    history = _read_history(session, selection, cutoff, span)
    without_interval = selection.kind == "sum" or not _has_bounds(forecast)
    words = {source: source_label(source) for source in forecast["source"].drop_nulls().unique()}
    columns = [*period_columns(config, forecast, HEADERS), text_column("source", "Forecast by")]
    parts = [
        chart_card("forecasts-chart", figures.plot_forecast(history, forecast, labels, cutoff), 440),
        notice(NO_INTERVAL) if without_interval else None,
        notice(NEW_SERIES) if forecast["cold_start"].any() else None,
        dmc.Text(_summarize(config, forecast, version), size="sm", c="dimmed", id="forecasts-summary"),
        data_table("forecasts-rows", forecast.with_columns(pl.col("source").replace(words)), columns, height=420),
    ]
    return dmc.Stack([part for part in parts if part is not None], gap="md")


def _read_history(session: Session, selection: queries.Selection, cutoff: date, span: str) -> pl.DataFrame:
    """History back to the start of `span`; for a series in the newest vintage with the promotions of the plan."""
    config = session.config
    year = config.frequency.year
    back = {"short": 3 * config.h, "year": year, "two": 2 * year, "all": 0}[span]
    start = config.frequency.shift(cutoff, -back) if back else None
    history = queries.read_history(session, selection, start)
    if selection.kind == "series" and cutoff == queries.read_status(session).cutoff:
        return pl.concat([history, queries.read_planned_promotions(session, selection.name)], how="diagonal")
    return history


def _has_bounds(forecast: pl.DataFrame) -> bool:
    return any(forecast[c].count() for c in forecast.columns if c.startswith("lo-"))


def _summarize(config: Config, forecast: pl.DataFrame, version: int | None) -> str:
    """Total, models and fallbacks, origin of the intervals, and for a backtest what was observed, in one line."""
    total = f"{format_number(forecast['yhat'].sum())} {unit_name(config)} in {count_periods(config, forecast.height)}"
    sources = ", ".join(sorted(map(source_label, set(forecast["source"].drop_nulls()))))
    intervals = ", ".join(sorted(map(interval_label, set(forecast["interval"].drop_nulls()) - {""})))
    parts = [total, f"forecast by {sources}" if sources else "", f"intervals from {intervals}" if intervals else ""]
    if version is None and forecast["y"].count():
        observed = forecast.drop_nulls("y")
        sold = format_number(observed["y"].sum())
        parts.append(f"{sold} were sold in the {count_periods(config, observed.height)} observed")
    return " · ".join(part for part in parts if part)
