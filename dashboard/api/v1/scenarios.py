"""`routes(context)`: /scenarios: saved changes of the plan of some series, what they would do, copies, and searches.

POST forecasts a scenario before it saves it, so that none is saved that cannot be forecast. Nothing is overwritten: a
name that is in use gets a further version. POST /scenarios/search tries values of a lever, and saves nothing.
"""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query

from dashboard.access.visits import note_object, open_own_session
from dashboard.rest.context import Context
from dashboard.rest.problems import Refusal, responses
from dashboard.rest.scenario_bodies import (
    BestValue,
    CopyAsk,
    ScenarioAsk,
    ScenarioBody,
    ScenarioResult,
    SearchAsk,
    SearchResult,
    TriedValue,
    scenario_body,
    scenario_result,
)
from dashboard.rest.series_query import blaming
from forecasting.data.edits import Edit, parse_edit
from forecasting.errors import Option, UserError
from forecasting.steps import actions
from forecasting.steps.actions import SavedScenario
from forecasting.steps.scenario import SeriesFilter, answer_from
from forecasting.steps.scenario.optimise import Question, optimise
from forecasting.steps.session import Session

Name = Annotated[str, Path(description="Name of a saved scenario", max_length=200)]
BOUNDS = {"lo-90": "low", "hi-90": "high"}


def routes(context: Context) -> APIRouter:
    """The routes of /scenarios."""
    router = APIRouter(tags=["scenarios"])
    _add_all(router, context)
    _add_search(router, context)
    _add_one(router, context)
    return router


def _add_all(router: APIRouter, context: Context) -> None:
    @router.get("/scenarios", responses=responses())
    def saved() -> list[ScenarioBody]:
        """The saved scenarios, the newest first."""
        return [scenario_body(found) for found in actions.list_saved_scenarios(open_own_session(context.config))]

    @router.post("/scenarios", status_code=201, responses=responses(409))
    def save(ask: Annotated[ScenarioAsk, Body()]) -> ScenarioResult:
        """Forecast changes of the plan of a series, or of several, and save them under a name."""
        note_object(ask.name)
        session = open_own_session(context.config)
        edits, series = _edits(ask.changes), SeriesFilter(ask.where, ask.unique_id)
        made = blaming(lambda: answer_from(context.current.served(), edits, series), "changes")
        actions.save_scenario(session, ask.name, ask.unique_id, edits, ask.reason, ask.where)
        return scenario_result(actions.open_saved_scenario(session, ask.name), made)


def _add_search(router: APIRouter, context: Context) -> None:
    @router.post("/scenarios/search", responses=responses(409))
    def search(ask: Annotated[SearchAsk, Body()]) -> SearchResult:
        """Try values of a lever, and say which is best or that the data cannot tell. Nothing is saved."""
        served = context.current.served()
        days = ask.start or served.days[0], ask.end or served.days[1]
        question = Question(ask.column, (ask.low, ask.high), ask.maximise, days)
        found = blaming(lambda: optimise(served, question, SeriesFilter(ask.where, ask.unique_id)), "column")
        tried = [TriedValue.model_validate(row) for row in found.tried.rename(BOUNDS).iter_rows(named=True)]
        best = [BestValue.model_validate(row) for row in found.best.rename(BOUNDS).iter_rows(named=True)]
        return SearchResult(tried=tried, best=best, sentences=list(found.sentences))


def _add_one(router: APIRouter, context: Context) -> None:
    @router.get("/scenarios/{name}", responses=responses(404, 409))
    def scenario(name: Name) -> ScenarioResult:
        """A saved scenario, and what it would do to the newest forecast."""
        found = _find(open_own_session(context.config), name)
        try:
            made = answer_from(context.current.served(), found.edits, SeriesFilter(found.where, found.unique_id))
        except UserError as error:
            return scenario_result(found, None, str(error))
        return scenario_result(found, made)

    @router.post("/scenarios/{name}/copy", status_code=201, responses=responses(404))
    def copy(name: Name, ask: Annotated[CopyAsk, Body()]) -> ScenarioBody:
        """Save a scenario under a further name."""
        note_object(ask.name)
        session = open_own_session(context.config)
        found = _find(session, name)
        blaming(lambda: actions.duplicate_scenario(session, found.name, ask.name), "name")
        return scenario_body(actions.open_saved_scenario(session, ask.name))

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
