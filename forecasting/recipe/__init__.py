"""Recipes that find themselves: `count_facts` counts what a panel holds, `choose` takes Facts and returns a Recipe.

A Recipe has the models, their blocks and windows, and of every candidate why it was chosen or left out. All of it
follows from rows up to a cutoff, the budget and a cost model; nothing is fitted and no clock is read.
"""

from forecasting.recipe.choice import Asked, choose
from forecasting.recipe.facts import Facts, count_facts
from forecasting.recipe.recipe import Recipe, Verdict

__all__ = ["Asked", "Facts", "Recipe", "Verdict", "choose", "count_facts"]
