"""`comparison_card(session, names)` returns the choice of saved scenarios, `draw_comparison` up to four side by side.

Each is compared with the newest forecast, on its own series. Nothing is stored.
"""

from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import html

from dashboard import figures
from dashboard.components import card, chart_card, data_table, notice, text_column
from dashboard.error_text import error_text
from dashboard.labels import chart_labels
from dashboard.pages.scenario.result import interval_columns, name_measure, name_span, of_all, sum_columns
from dashboard.pages.scenario.run import add_up
from forecasting.errors import UserError
from forecasting.steps import actions, queries, scenario
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import Session

MOST = 4
"""Scenarios side by side."""


def comparison_card(session: Session, names: list[str]) -> dmc.Card:
    """The choice, and the place of the comparison."""
    choice = dmc.MultiSelect(
        id="scenario-compare",
        label=f"Up to {MOST} saved scenarios",
        data=saved_names(session),
        value=names[:MOST],
        maxValues=MOST,
        clearable=True,
        searchable=True,
    )
    return card("Side by side", [choice, html.Div(id="scenario-comparison", role="status")])


def saved_names(session: Session) -> list[str]:
    """The names of the saved scenarios, the newest first."""
    return [saved.name for saved in actions.list_saved_scenarios(session)]


def draw_comparison(session: Session, names: list[str], scheme: str | None) -> Any:
    """Table and chart of the scenarios of these names, and why one of them cannot be shown."""
    if not names:
        return dmc.Text("Choose saved scenarios to see them side by side.", size="sm", c="dimmed")
    sums, days, faults = [], [], []
    for name in names[:MOST]:
        try:
            saved = actions.open_saved_scenario(session, name)
            found = scenario.answer(session, saved.edits, SeriesFilter(saved.where, saved.unique_id))
        except UserError as error:
            faults.append(notice(f"{name}: {error_text(error)}", "watch"))
            continue
        sums.append(of_all(found.sums).with_columns(scenario_name=pl.lit(name)))
        days.append(add_up(found.scenario.rows).with_columns(scenario_name=pl.lit(name)))
    if not sums:
        return dmc.Stack(faults)
    rows = pl.concat(sums).with_columns(over=name_span(), measure=name_measure(session.config))
    columns = [
        text_column("scenario_name", "Saved scenario", pinned="left"),
        text_column("over", "Over"),
        text_column("measure", "In"),
        *sum_columns(rows.drop(interval_columns(rows)[2:])),
    ]
    labels = chart_labels(session.config, "Side by side", scheme, queries.read_status(session).through)
    chart = figures.plot_comparison(pl.concat(days, how="diagonal"), labels)
    table = data_table("scenario-comparison-rows", rows, columns)
    return dmc.Stack([*faults, table, chart_card("scenario-comparison-chart", chart, 400)])
