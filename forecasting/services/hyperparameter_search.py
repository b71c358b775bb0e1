"""The door to Optuna: a search whose trials outlive the process that makes them.

Trials are kept in a journal, a file to which every step of a trial is appended, or in PostgreSQL, where several
machines may work on one search. A search that was killed goes on with the trials that were finished.
"""

from __future__ import annotations

import fcntl
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.errors import Option, UserError

SEED = 7
HEARTBEAT = 60
"""Seconds between signs of life of a trial in a database; one that is silent for three of them was killed."""
TODAY = "today"
STATES = {"COMPLETE": "complete", "PRUNED": "pruned"}
"""Trials that count; those that were interrupted do not, and are made again."""
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, whole where both are; `log`: small ones as often as large ones."""

    low: float
    high: float
    scale: str = "linear"


@dataclass(frozen=True)
class OneOf:
    """One of some values."""

    values: tuple[Any, ...]


Space = Mapping[str, Between | OneOf]


@dataclass(frozen=True)
class Search:
    """What is searched: `error` of the parameters on part 0, 1 ...; the mean over the `parts` is to be small.

    The first trial is `today`, which no trial may be worse than without being told so: it is never broken off.
    """

    name: str
    space: Space
    today: Params
    parts: int
    error: Callable[[Params, int], float]


class _OutOfTime(Exception):
    """The time is over in the middle of a trial: it does not count."""


def run(search: Search, place: str, trials: int, until: float) -> pl.DataFrame:
    """Make trials until so many are finished, or time.monotonic() passes `until`; returns all finished ones.

    [number, state (complete or pruned), today, value, seconds, and one column per parameter], in order. Trials whose
    mean over the first parts is worse than the median of the others are broken off. `place` is a folder or an address
    of PostgreSQL. Raises UserError when it cannot be used, or another process works on the same journal.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with _kept(place, search.name) as storage:
        study = optuna.create_study(
            storage=storage,
            study_name=search.name,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
        )
        _begin(study, search)
        # with one seed for all sessions, a search that goes on would draw its first trials again
        study.sampler = optuna.samplers.TPESampler(seed=SEED + len(study.trials))
        while len(finished(study)) < trials and (not finished(study) or time.monotonic() < until):
            study.optimize(lambda trial: _value(trial, search, until), n_trials=1, catch=(_OutOfTime,))
        return table(study)


def forget(name: str, place: str) -> None:
    """Throw the trials of a search away."""
    import optuna

    with _kept(place, name) as storage:
        if name in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=name, storage=storage)


def finished(study: Any) -> list[Any]:
    """The trials that count."""
    return [t for t in study.get_trials(deepcopy=False) if t.state.name in STATES]


def table(study: Any) -> pl.DataFrame:
    """The finished trials of a study (see `run`)."""
    rows = [
        {"number": t.number, "state": STATES[t.state.name], TODAY: TODAY in t.user_attrs}
        | {"value": t.value, "seconds": round(t.duration.total_seconds(), 3)}
        | t.params
        for t in finished(study)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _begin(study: Any, search: Search) -> None:
    """Ask for today's parameters first, unless that was done."""
    done = ("COMPLETE", "WAITING", "RUNNING")
    if not any(TODAY in t.user_attrs for t in study.trials if t.state.name in done):
        study.enqueue_trial(dict(search.today), user_attrs={TODAY: True})


def _value(trial: Any, search: Search, until: float) -> float:
    import optuna

    params = {name: _suggested(trial, name, values) for name, values in search.space.items()}
    total = 0.0
    for part in range(search.parts):
        if part and TODAY not in trial.user_attrs:
            if time.monotonic() > until:
                raise _OutOfTime
            if trial.should_prune():
                raise optuna.TrialPruned
        total += search.error(params, part)
        trial.report(total / (part + 1), part)
    return total / search.parts


def _suggested(trial: Any, name: str, values: Between | OneOf) -> Any:
    if isinstance(values, OneOf):
        return trial.suggest_categorical(name, values.values)
    log = values.scale == "log"
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=log)
    return trial.suggest_float(name, values.low, values.high, log=log)


@contextmanager
def _kept(place: str, name: str) -> Iterator[Any]:
    """The storage at a place; a journal belongs to one process at a time."""
    if "://" not in place:
        with _journal(Path(place), name) as storage:
            yield storage
    else:
        yield _database(place)


@contextmanager
def _journal(folder: Path, name: str) -> Iterator[Any]:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    file = folder / f"{name}.journal"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{name}.lock").open("a")
    except OSError as error:
        raise UserError(
            f"trials cannot be kept there ({error}): name another folder", where=Option("storage", folder)
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system frees it when the process is killed
        except BlockingIOError:
            raise UserError(f"{file}: another process is tuning this very job: wait for it, or end it") from None
        _mend(file)
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(file)))
        _end_killed(storage, name)
        yield storage


def _mend(file: Path) -> None:
    """A process that was killed leaves half a line, behind which nothing could be written, and a lock of Optuna's."""
    Path(f"{file}.lock").unlink(missing_ok=True)
    if file.exists() and (held := file.read_bytes()) and not held.endswith(b"\n"):
        with file.open("r+b") as end:
            end.truncate(held.rfind(b"\n") + 1)


def _end_killed(storage: Any, name: str) -> None:
    """Trials that nobody works on any more have failed."""
    import optuna

    if name not in optuna.get_all_study_names(storage):
        return
    study = optuna.load_study(study_name=name, storage=storage)
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def _database(url: str) -> Any:
    import logging

    import optuna

    from forecasting.io.database import ConnectionFailed, usable_url

    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with usable_url(url) as address, warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.storages.RDBStorage(address, heartbeat_interval=HEARTBEAT, grace_period=3 * HEARTBEAT)
    except (ConnectionFailed, ImportError) as error:
        raise UserError(f"the database {error}", where=Option("storage")) from None


def widened(values: Between | OneOf, now: Any) -> Between | OneOf:
    """The values, and what is set today among them."""
    if isinstance(values, OneOf):
        return values if now in values.values else OneOf((*values.values, now))
    return Between(min(values.low, now), max(values.high, now), values.scale)
