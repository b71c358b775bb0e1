"""`edited_plan` and `run_scenario`: the plan with changes, and the forecasts of baseline and scenario, for the browser.

Both take a Session, a series and changes like "price*=0.9@2016-05-23:2016-05-29" and return JSON-able values. Nothing
is stored.
"""

from typing import Any

from dashboard.components import to_records
from dashboard.error_text import error_text
from dashboard.pages.scenario.changes import to_edits
from forecasting.errors import UserError
from forecasting.steps import queries, scenario
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import Session


def edited_plan(session: Session, series: str, changes: list[str]) -> list[dict[str, Any]]:
    """Records [ds, every known-ahead column] of the coming periods with the changes.

    Without the changes when one does not fit its column: running the scenario explains that.
    """
    try:
        return to_records(queries.read_plan(session, series, to_edits(changes)))
    except UserError:
        return to_records(queries.read_plan(session, series))


def run_scenario(session: Session, series: str, changes: list[str]) -> dict[str, Any]:
    """`rows` of baseline and scenario, `warnings`, and the `request` [series, changes]; or the `error`."""
    try:
        found = scenario.run_scenario(session, to_edits(changes), SeriesFilter(unique_id=series))
        return {"rows": to_records(found.rows), "warnings": list(found.warnings), "request": [series, changes]}
    except UserError as error:
        return {"error": error_text(error)}
