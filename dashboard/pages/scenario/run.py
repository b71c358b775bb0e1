"""The plan with the changes of a scenario, and the forecasts of baseline and scenario, as JSON for the browser."""

from typing import Any

from dashboard.components import to_records
from dashboard.pages.scenario.changes import to_edits
from forecasting.errors import UserError
from forecasting.steps import queries
from forecasting.steps.session import Session


def edited_plan(session: Session, series: str, changes: list[str]) -> list[dict[str, Any]]:
    """Records [ds, every known-ahead column] of the coming periods with the changes.

    Without the changes when one does not fit its column: running the scenario explains that.
    """
    try:
        return to_records(queries.days_ahead(session, series, to_edits(changes)))
    except UserError:
        return to_records(queries.days_ahead(session, series))


def run_scenario(session: Session, series: str, changes: list[str]) -> dict[str, Any]:
    """`rows` of baseline and scenario, `warnings`, and the `request` [series, changes]; or the `error`."""
    try:
        edits = to_edits(changes)
        rows, warnings = queries.what_if(session, series, edits), queries.outside(session, series, edits)
        return {"rows": to_records(rows), "warnings": warnings, "request": [series, changes]}
    except UserError as error:
        return {"error": str(error)}
