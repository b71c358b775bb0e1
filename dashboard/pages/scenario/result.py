"""`draw_result(session, outcome, request, scheme)` returns warnings, totals, charts and tables of a run.

outcome: what `run_scenario` of this page returned, {rows, sums, warnings, request} or {error}; {} before the first run.
"""

from typing import Any

import dash_mantine_components as dmc
import polars as pl

from dashboard import figures
from dashboard.components import (
    card,
    chart_card,
    data_table,
    empty_state,
    kpi_card,
    notice,
    number_column,
    period_columns,
    text_column,
)
from dashboard.formats import format_number, format_percent
from dashboard.labels import chart_labels, count_periods, unit_name
from forecasting.config import Config
from forecasting.planning.paired import CHANGED, HORIZON, TOTAL
from forecasting.planning.worth import UNITS
from forecasting.steps import queries
from forecasting.steps.session import Session

HEADERS = {"baseline": "Baseline", "yhat": "Scenario", "difference": "Difference"}
"""Columns of the table in units, with their headers."""
MONEY = {"price": "Price", "revenue_difference": "Revenue: difference", "margin_difference": "Margin: difference"}
"""Columns in the currency of the price, which are shown where they hold something."""


def draw_result(session: Session, outcome: dict[str, Any], request: list[Any], scheme: str | None) -> Any:
    """The `outcome` of a run; `request` [series, changes, where] is what the controls hold now, perhaps newer."""
    if "error" in outcome:
        return notice(outcome["error"], "bad", "The scenario could not be run")
    if "rows" not in outcome:
        reason = "Choose days, a column and a value, add the change, and press Run scenario."
        return empty_state("No scenario yet", reason)
    rows = pl.DataFrame(outcome["rows"], infer_schema_length=None).with_columns(pl.col("ds").str.to_date())
    sums = pl.DataFrame(outcome["sums"], infer_schema_length=None)
    stale = request != outcome["request"]
    series, _, where = outcome["request"]
    name = series if outcome["series"] == 1 and not where else f"{outcome['series']:,} series"
    parts = [
        notice("Series or changes are no longer those of this result: press Run scenario.", "watch") if stale else None,
        _warnings(outcome["warnings"]),
        _totals(session.config, rows, sums),
        _added(session.config, sums, outcome["cutoff"]),
        *_charts(session, rows, name, scheme),
        _days(session.config, rows) if outcome["series"] == 1 else _by_series(session.config, sums),
    ]
    return dmc.Stack([part for part in parts if part is not None], gap="md")


def _warnings(sentences: list[str]) -> Any:
    """One notice of all sentences; None without any."""
    if not sentences:
        return None
    texts = [dmc.ListItem(sentence) for sentence in sentences]
    return notice(dmc.List(texts, size="sm"), "watch", "Before you rely on it")


def _totals(config: Config, rows: pl.DataFrame, sums: pl.DataFrame) -> dmc.SimpleGrid:
    baseline, scenario = rows["baseline"].sum(), rows["yhat"].sum()
    span = f"{unit_name(config)} in {count_periods(config, rows.height)}"
    share = format_percent(scenario / baseline - 1, 1, "+") if baseline else "–"
    units = of_all(sums).filter(over=HORIZON, measure=UNITS)
    low, high = (c for c in interval_columns(sums)[:2])
    level = low.removeprefix("lo-")
    between = f"{units[low].item():+,.1f} to {units[high].item():+,.1f}"
    cards = [
        kpi_card("scenario-total-baseline", "Baseline", format_number(baseline, 1), span),
        kpi_card("scenario-total", "Scenario", format_number(scenario, 1), span),
        kpi_card(
            "scenario-total-difference",
            "Difference",
            f"{scenario - baseline:+,.1f}",
            f"{share} on the baseline · {level} % interval {between}",
        ),
    ]
    return dmc.SimpleGrid(cards, cols={"base": 1, "xs": 3})


def of_all(sums: pl.DataFrame) -> pl.DataFrame:
    """The sums of all series together: of one series its own."""
    total = sums.filter(unique_id=TOTAL)
    return sums if total.is_empty() else total


def interval_columns(sums: pl.DataFrame) -> list[str]:
    """The bounds of the sums, the narrowest interval first."""
    return [c for c in sums.columns if c.startswith(("lo-", "hi-"))]


def sum_columns(sums: pl.DataFrame) -> list[dict[str, Any]]:
    """The columns of a table of sums behind those that name a row."""
    bounds = {c: f"{'Low' if c[:2] == 'lo' else 'High'} {c[3:]} %" for c in interval_columns(sums)}
    shown = {"baseline": "Baseline", "scenario": "Scenario", "difference": "Difference"} | bounds
    return [number_column(c, header) for c, header in shown.items()]


def _added(config: Config, sums: pl.DataFrame, cutoff: str) -> dmc.Card:
    """What the scenario adds to units, revenue and margin, with the intervals of the difference."""
    rows = of_all(sums).with_columns(over=name_span(), measure=name_measure(config))
    columns = [text_column("over", "Over", pinned="left", minWidth=130), text_column("measure", "In")]
    hint = (
        f"Compared with the forecast from {cutoff}, which stays as it is. The interval is that of the difference: what "
        "is uncertain with and without the change counts only as far as the change scales it."
    )
    table = data_table("scenario-sums", rows, [*columns, *sum_columns(sums)])
    return card("What it adds", [dmc.Text(hint, size="sm", c="dimmed"), table])


def name_span() -> pl.Expr:
    """Over which days is added up, in words."""
    return pl.col("over").replace({CHANGED: "Changed days", HORIZON: "Whole horizon"})


def name_measure(config: Config) -> pl.Expr:
    """The measure in words: units as the job calls them."""
    return pl.col("measure").replace({UNITS: unit_name(config)})


def _charts(session: Session, rows: pl.DataFrame, name: str, scheme: str | None) -> list[dmc.Card]:
    config, through = session.config, queries.read_status(session).through
    scenario = figures.plot_scenario(rows, chart_labels(config, f"Scenario for {name}", scheme, through))
    difference = figures.plot_difference(rows, chart_labels(config, f"Difference for {name}", scheme, through))
    return [chart_card("scenario-chart", scenario, 400), chart_card("scenario-difference", difference, 340)]


def _days(config: Config, rows: pl.DataFrame) -> Any:
    money = {c: header for c, header in MONEY.items() if c in rows.columns and rows[c].count()}
    columns = period_columns(config, rows, HEADERS) + [number_column(c, h, 2) for c, h in money.items()]
    return data_table("scenario-rows", rows, columns, height=420)


def _by_series(config: Config, sums: pl.DataFrame) -> Any:
    """The sums of each series over the horizon."""
    rows = sums.filter(pl.col("unique_id") != TOTAL, pl.col("over") == HORIZON).with_columns(
        measure=name_measure(config)
    )
    columns = [text_column("unique_id", "Series"), text_column("measure", "In"), *sum_columns(sums)]
    return card("By series, over the whole horizon", [data_table("scenario-rows", rows, columns, height=420)])
