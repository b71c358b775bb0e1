"""`routes(context)`: GET, POST and DELETE /scenarios: saved changes of the plan of one series, and what they would do.

POST forecasts a scenario before it saves it, so that none is saved that cannot be forecast. Nothing is overwritten: a
name that is in use gets a further version.
"""

from datetime import date, datetime
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from dashboard.access.visits import note_object, open_own_session
from dashboard.rest.context import Context
from dashboard.rest.problems import Refusal, responses
from forecasting.data.edits import Edit, format_edit, parse_edit
from forecasting.errors import Option, UserError
from forecasting.steps import actions
from forecasting.steps.actions import SavedScenario
from forecasting.steps.scenario import Scenario, SeriesFilter, compare_plans
from forecasting.steps.session import Session

EXAMPLE = {
    "name": "Easter",
    "unique_id": "S1/tea",
    "changes": ["price*=0.9@2024-05-20:2024-05-22"],
    "reason": "asked for by the store",
}
Name = Annotated[str, Path(description="Name of a saved scenario", max_length=200)]


class ScenarioAsk(BaseModel):
    """A scenario to save."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    name: str = Field(min_length=1, max_length=100)
    unique_id: str = Field(max_length=1000)
    changes: list[str] = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=1000)


class ScenarioBody(BaseModel):
    """A saved scenario in its newest version."""

    name: str
    unique_id: str
    changes: list[str]
    author: str
    time: datetime
    reason: str
    version: int


class ScenarioRow(BaseModel):
    """One period: the forecast as planned, with the changes, and the difference, in units of the target."""

    ds: date
    baseline: float
    mean: float
    difference: float


class ScenarioResult(ScenarioBody):
    """A saved scenario and what it would do."""

    rows: list[ScenarioRow] = Field(description="None where its days are no longer ahead: `warnings` says so.")
    warnings: list[str]


def routes(context: Context) -> APIRouter:
    """GET, POST and DELETE /scenarios."""
    router = APIRouter(tags=["scenarios"])
    _add_all(router, context)
    _add_one(router, context)
    return router


def _add_all(router: APIRouter, context: Context) -> None:
    @router.get("/scenarios", responses=responses())
    def saved() -> list[ScenarioBody]:
        """The saved scenarios, the newest first."""
        return [_body(found) for found in actions.list_saved_scenarios(open_own_session(context.config))]

    @router.post("/scenarios", status_code=201, responses=responses(409))
    def save(ask: Annotated[ScenarioAsk, Body()]) -> ScenarioResult:
        """Forecast changes of the plan of a series, and save them under a name."""
        note_object(ask.name)
        session = open_own_session(context.config)
        edits = _edits(ask.changes)
        try:
            scenario = compare_plans(context.current.served(), edits, SeriesFilter(unique_id=ask.unique_id))
        except UserError as error:
            raise error if error.needs else UserError(error.what, where=_field_of(error)) from None
        actions.save_scenario(session, ask.name, ask.unique_id, edits, ask.reason)
        return _result(actions.open_saved_scenario(session, ask.name), scenario)


def _add_one(router: APIRouter, context: Context) -> None:
    @router.get("/scenarios/{name}", responses=responses(404, 409))
    def scenario(name: Name) -> ScenarioResult:
        """A saved scenario, and what it would do to the newest forecast."""
        session = open_own_session(context.config)
        found = _find(session, name)
        try:
            of = SeriesFilter(unique_id=found.unique_id)
            return _result(found, compare_plans(context.current.served(), found.edits, of))
        except UserError as error:
            return _result(found, Scenario(pl.DataFrame(), (str(error),)))

    @router.delete("/scenarios/{name}", status_code=204, responses=responses(404))
    def withdraw(name: Name, reason: Annotated[str, Query(min_length=1, max_length=1000)]) -> None:
        """Withdraw a saved scenario; its entries stay in the log of actions."""
        session = open_own_session(context.config)
        actions.withdraw_scenario(session, _find(session, name).name, reason)


def _find(session: Session, name: str) -> SavedScenario:
    try:
        return actions.open_saved_scenario(session, name)
    except UserError as error:
        raise Refusal(404, error.what, "name") from None


def _edits(changes: list[str]) -> tuple[Edit, ...]:
    try:
        return tuple(parse_edit(text) for text in changes)
    except ValueError as error:
        raise UserError(str(error), where=Option("changes")) from None


def _field_of(error: UserError) -> Option:
    return Option("unique_id" if "no series" in error.what else "changes")


def _body(saved: SavedScenario) -> ScenarioBody:
    return ScenarioBody(**_fields(saved))


def _result(saved: SavedScenario, scenario: Scenario) -> ScenarioResult:
    rows = [
        ScenarioRow(ds=row["ds"], baseline=row["baseline"], mean=row["yhat"], difference=row["difference"])
        for row in scenario.rows.iter_rows(named=True)
    ]
    return ScenarioResult(**_fields(saved), rows=rows, warnings=list(scenario.warnings))


def _fields(saved: SavedScenario) -> dict[str, object]:
    changes = [format_edit(edit) for edit in saved.edits]
    kept = {name: getattr(saved, name) for name in ("name", "unique_id", "author", "time", "reason", "version")}
    return kept | {"changes": changes}
