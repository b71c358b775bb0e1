"""Recipes that find themselves: `count_facts` counts what a panel holds, `choose` takes Facts and returns a Recipe.

A Recipe has the models, their blocks and windows, and of every candidate why it was chosen or left out. All of it
follows from rows up to a cutoff, the budget and a cost model; no clock is read, and nothing is fitted but the dear
models on a sample of series (`plan_trial`, `run_trial`).
"""

from forecasting.recipe.budget import Constraints
from forecasting.recipe.choice import choose, least_windows
from forecasting.recipe.facts import Facts, count_facts
from forecasting.recipe.recipe import Recipe, Verdict
from forecasting.recipe.trial import Trial, plan_trial, run_trial

__all__ = [
    "Constraints",
    "Facts",
    "Recipe",
    "Trial",
    "Verdict",
    "choose",
    "count_facts",
    "least_windows",
    "plan_trial",
    "run_trial",
]
