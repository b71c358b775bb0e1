"""The door to Optuna: hyperparameter searches whose trials are stored and continued.

`run_search` takes a Search (space, current parameters, error function), a folder or address, a number of trials and a
deadline, and returns a frame with a row per finished trial; `delete_trials` deletes the stored ones.
Trials are stored in a journal, a file to which every event of a trial is appended, or in PostgreSQL, where several
machines can work on one search. An interrupted search continues from its finished trials.
"""

from forecasting.services.hyperparameter_search.search import Search, delete_trials, run_search
from forecasting.services.hyperparameter_search.space import Between, OneOf, Params, Space, include_value

__all__ = ["Between", "OneOf", "Params", "Search", "Space", "delete_trials", "include_value", "run_search"]
