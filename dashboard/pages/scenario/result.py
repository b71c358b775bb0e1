"""`draw_result(session, outcome, request, scheme)` returns warnings, totals, charts and table of a run.

outcome: what `run_scenario` of this page returned, {rows, warnings, request} or {error}; {} before the first run.
"""

from typing import Any

import dash_mantine_components as dmc
import polars as pl

from dashboard import figures
from dashboard.components import chart_card, data_table, empty_state, kpi_card, notice, period_columns
from dashboard.formats import format_number, format_percent
from dashboard.labels import chart_labels, count_periods, unit_name
from forecasting.config import Config
from forecasting.steps import queries
from forecasting.steps.session import Session

HEADERS = {"baseline": "Baseline", "yhat": "Scenario", "difference": "Difference"}
"""Columns of the table, with their headers."""


def draw_result(session: Session, outcome: dict[str, Any], request: list[Any], scheme: str | None) -> Any:
    """The `outcome` of a run; `request` [series, changes] is what the controls hold now, perhaps something newer."""
    if "error" in outcome:
        return notice(outcome["error"], "bad", "The scenario could not be run")
    if "rows" not in outcome:
        reason = "Choose days, a column and a value, add the change, and press Run scenario."
        return empty_state("No scenario yet", reason)
    rows = pl.DataFrame(outcome["rows"], infer_schema_length=None).with_columns(pl.col("ds").str.to_date())
    stale = request != outcome["request"]
    parts = [
        notice("Series or changes are no longer those of this result: press Run scenario.", "watch") if stale else None,
        *(notice(warning, "watch", "Outside the range seen in training") for warning in outcome["warnings"]),
        _totals(session.config, rows),
        *_charts(session, rows, outcome["request"][0], scheme),
        data_table("scenario-rows", rows, period_columns(session.config, rows, HEADERS), height=420),
    ]
    return dmc.Stack([part for part in parts if part is not None], gap="md")


def _totals(config: Config, rows: pl.DataFrame) -> dmc.SimpleGrid:
    baseline, scenario = rows["baseline"].sum(), rows["yhat"].sum()
    span = f"{unit_name(config)} in {count_periods(config, rows.height)}"
    share = format_percent(scenario / baseline - 1, 1, "+") if baseline else "–"
    cards = [
        kpi_card("scenario-total-baseline", "Baseline", format_number(baseline, 1), span),
        kpi_card("scenario-total", "Scenario", format_number(scenario, 1), span),
        kpi_card("scenario-total-difference", "Difference", f"{scenario - baseline:+,.1f}", f"{share} on the baseline"),
    ]
    return dmc.SimpleGrid(cards, cols={"base": 1, "xs": 3})


def _charts(session: Session, rows: pl.DataFrame, series: str, scheme: str | None) -> list[dmc.Card]:
    config, through = session.config, queries.read_status(session).through
    scenario = figures.plot_scenario(rows, chart_labels(config, f"Scenario for {series}", scheme, through))
    difference = figures.plot_difference(rows, chart_labels(config, f"Difference for {series}", scheme, through))
    return [chart_card("scenario-chart", scenario, 400), chart_card("scenario-difference", difference, 340)]
