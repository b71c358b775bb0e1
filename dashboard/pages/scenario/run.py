"""`edited_plan` and `run_scenario`: the plan with changes, and what baseline and scenario come to, for the browser.

Both take a Session, a series and changes like "price*=0.9@2016-05-23:2016-05-29" and return JSON-able values;
`export_rows` returns all rows as a CSV download. Nothing is stored.
"""

from typing import Any

import polars as pl

from dashboard.components import to_records
from dashboard.error_text import error_text
from dashboard.pages.scenario.changes import to_edits
from forecasting.errors import UserError
from forecasting.planning.column_names import edit_over_panel
from forecasting.planning.scenario import check_edits
from forecasting.steps import export, queries, scenario
from forecasting.steps.scenario import Answer, SeriesFilter
from forecasting.steps.session import Session

MOST_SERIES = 500
"""Series whose sums the page lists; the export holds all."""
ADDED_UP = ("baseline", "yhat", "difference", "revenue_baseline", "revenue", "revenue_difference")
ADDED_UP += ("margin_baseline", "margin", "margin_difference")


def chosen(series: str | None, where: str | None) -> SeriesFilter:
    """The series that meet the condition, or, without one, the selected series."""
    return SeriesFilter(where=where) if where else SeriesFilter(unique_id=series)


def edited_plan(session: Session, series: str, changes: list[str]) -> list[dict[str, Any]]:
    """Records [ds, every known-ahead column] of the coming periods with the changes.

    Without the changes when one does not fit its column: running the scenario explains that.
    """
    try:
        return to_records(queries.read_plan(session, series, to_edits(changes)))
    except UserError:
        return to_records(queries.read_plan(session, series))


def run_scenario(session: Session, series: str | None, changes: list[str], where: str | None = None) -> dict[str, Any]:
    """`rows` by day, `sums`, `warnings`, how many `series`, and the `request` [series, changes, where]; or the `error`.

    Rows of several series are added up, and have no bounds: those do not add up.
    """
    try:
        found = scenario.answer(session, to_edits(changes), chosen(series, where))
    except UserError as error:
        return {"error": error_text(error)}
    rows = found.scenario.rows
    count = rows["unique_id"].n_unique()
    listed = found.sums.filter(pl.col("unique_id").rank("dense") <= MOST_SERIES + 1)
    return {
        "rows": to_records(rows if count == 1 else add_up(rows)),
        "sums": to_records(listed),
        "series": count,
        "warnings": list(found.scenario.warnings),
        "cutoff": str(found.cutoff),
        "request": [series, changes, where],
    }


def refuse(session: Session, change: str) -> str | None:
    """Why a change cannot be made, in the words in which running it would say so; None for one that can."""
    try:
        edits = (edit_over_panel(edit, session.config) for edit in to_edits([change]))
        check_edits(edits, session.config, session.panel.schema)
    except UserError as error:
        return error_text(error)
    return None


def add_up(rows: pl.DataFrame) -> pl.DataFrame:
    """[ds, units, revenue and margin of all series]: one row per period; null where no series has a value."""
    sums = [pl.when(pl.col(c).count() > 0).then(pl.col(c).sum()).alias(c) for c in ADDED_UP if c in rows.columns]
    return rows.group_by("ds").agg(sums).sort("ds")


def export_rows(session: Session, series: str | None, changes: list[str], where: str | None) -> dict[str, str]:
    """All rows of the scenario, with doubts, as a CSV download; raises UserError as a run does."""
    found: Answer = scenario.answer(session, to_edits(changes), chosen(series, where))
    rows = found.scenario.rows.with_columns(compared_with=pl.lit(f"{found.cutoff}, version {found.version}"))
    name = f"{session.config.name}-scenario-{found.cutoff}.csv"
    return {"content": export.csv_text(rows), "filename": name, "type": "text/csv"}
