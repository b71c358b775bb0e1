"""A hyperparameter search with Optuna: trials drawn by TPE, unpromising ones pruned, finished ones as a table.

`run_search` takes a Search (space, current parameters, error function) and returns a row per finished trial; trials are
stored in a folder or PostgreSQL and continued. It picks no winner and writes no config.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from forecasting.services.hyperparameter_search.space import Params, Space, suggest_params
from forecasting.services.hyperparameter_search.storage import open_storage

SEED = 7
TODAY = "today"
"""Attribute of the trial with the current parameters, and its column in the table of trials."""
STATES = {"COMPLETE": "complete", "PRUNED": "pruned"}
"""States of finished trials; interrupted ones do not count and are run again."""


@dataclass(frozen=True)
class Search:
    """What to minimize: the mean of `error(params, part)` over the parts 0 ... `parts` - 1 (the backtest windows).

    `today` holds the current parameters. They are the first trial, the baseline of the search, and never pruned.
    """

    name: str
    space: Space
    today: Params
    parts: int
    error: Callable[[Params, int], float]


class _TimeIsUp(Exception):
    """The deadline passed during a trial: the trial does not count."""


def run_search(search: Search, location: str, trials: int, until: float) -> pl.DataFrame:
    """Run trials until `trials` are finished or, after the first, time.monotonic() passes `until`; returns all of them.

    [number, state (complete or pruned), today, value, seconds, one column per parameter]: one row per trial, in order;
    value is in the units of `search.error`. A trial is pruned when its mean over the first parts is worse than the
    median of the others. `location` is a folder or a PostgreSQL address. Raises UserError when it cannot be used, or
    another process works on the same journal.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with open_storage(location, search.name) as storage:
        study = optuna.create_study(
            storage=storage,
            study_name=search.name,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
        )
        _enqueue_current_params(study, search)
        # with a fixed seed, a continued search would draw its first trials again
        study.sampler = optuna.samplers.TPESampler(seed=SEED + len(study.trials))
        while len(_finished_trials(study)) < trials and (not _finished_trials(study) or time.monotonic() < until):
            study.optimize(lambda trial: _mean_error(trial, search, until), n_trials=1, catch=(_TimeIsUp,))
        return _trials_table(study)


def delete_trials(name: str, location: str) -> None:
    """Delete the trials of the search `name`; raises UserError as `run_search` does."""
    import optuna

    with open_storage(location, name) as storage:
        if name in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=name, storage=storage)


def _finished_trials(study: Any) -> list[Any]:
    return [t for t in study.get_trials(deepcopy=False) if t.state.name in STATES]


def _trials_table(study: Any) -> pl.DataFrame:
    rows = [
        {"number": t.number, "state": STATES[t.state.name], TODAY: TODAY in t.user_attrs}
        | {"value": t.value, "seconds": round(t.duration.total_seconds(), 3)}
        | t.params
        for t in _finished_trials(study)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _enqueue_current_params(study: Any, search: Search) -> None:
    """Make the current parameters the next trial, unless they have had one."""
    states = ("COMPLETE", "WAITING", "RUNNING")
    if not any(TODAY in t.user_attrs for t in study.trials if t.state.name in states):
        study.enqueue_trial(dict(search.today), user_attrs={TODAY: True})


def _mean_error(trial: Any, search: Search, until: float) -> float:
    """Mean error of one trial over all parts; stops early when the trial is pruned or the time is up."""
    import optuna

    params = suggest_params(trial, search.space)
    total = 0.0
    for part in range(search.parts):
        if part and TODAY not in trial.user_attrs:
            if time.monotonic() > until:
                raise _TimeIsUp
            if trial.should_prune():
                raise optuna.TrialPruned
        total += search.error(params, part)
        trial.report(total / (part + 1), part)
    return total / search.parts
