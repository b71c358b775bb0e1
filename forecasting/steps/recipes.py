"""The recipe of a session: `with_recipe` returns the Session with the models that are run, and how they were chosen.

Where the config lists its models, these are they; with `models: auto` they are chosen from what was known at the first
reported cutoff of a backtest. `with_chosen` takes a session and the facts of a backtest, and returns it with the recipe
that was chosen then. No table is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from forecasting.config import Config
from forecasting.data.windows import backtest_cutoffs
from forecasting.recipe import Constraints, Recipe, choose, count_facts, least_windows, plan_trial, run_trial
from forecasting.services import log
from forecasting.services.store.unfinished import Progress
from forecasting.steps.session import Session


def with_recipe(session: Session, end: date, progress: Progress | None = None) -> tuple[Session, Recipe | None]:
    """The session with the models of a backtest of data up to `end`; the recipe where they are chosen, else None.

    A choice that `progress` holds stands.
    """
    if session.config.models:
        return session, None
    kept = progress.facts("recipe") if progress else None
    recipe = Recipe.from_json(kept) if kept else choose_recipe(session, end)
    if progress:
        progress.keep("recipe", recipe.to_json())
    return session.with_config(recipe.applied_to(session.config)), recipe


def choose_recipe(session: Session, end: date) -> Recipe:
    """The recipe that `models: auto` means for the data up to `end`, whatever is listed."""
    config = session.config
    reported, _ = backtest_cutoffs(config, end)
    constraints, panel = constraints_of(config), session.panel
    with log.step("choose models", cutoff=str(reported[0])):
        facts = count_facts(panel, reported[0])
        plan = plan_trial(facts, constraints, least_windows(facts, constraints))
        return choose(facts, constraints, run_trial(panel, reported[0], plan) if plan else None)


def constraints_of(config: Config) -> Constraints:
    """What the config asks of a recipe."""
    return Constraints(config.budget, config.blocks, config.backtest.calibration)


def with_chosen(session: Session, facts: Mapping[str, Any]) -> Session:
    """The session with the recipe that a backtest with these facts has chosen; as it is where none was."""
    stored = facts.get("chosen")
    return session.with_config(Recipe.from_json(stored).applied_to(session.config)) if stored else session
