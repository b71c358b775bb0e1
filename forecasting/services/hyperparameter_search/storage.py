"""Storage of trials: a journal file for one process at a time, or a PostgreSQL database.

`open_storage` takes a folder or address and the name of a search, and yields Optuna's storage in a with block. In a
folder it creates and repairs the journal, and marks interrupted trials as failed.
"""

from __future__ import annotations

import fcntl
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forecasting.errors import Option, UserError

HEARTBEAT = 60
"""Seconds between heartbeats of a trial in a database; a trial that misses three counts as killed."""


@contextmanager
def open_storage(location: str, name: str) -> Iterator[Any]:
    """Open the Optuna storage of the search `name` in a folder or at a PostgreSQL address.

    Raises UserError when the folder or database cannot be used, or another process has the journal open.
    """
    if "://" not in location:
        with _open_journal(Path(location), name) as storage:
            yield storage
    else:
        yield _connect_database(location)


@contextmanager
def _open_journal(folder: Path, name: str) -> Iterator[Any]:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    file = folder / f"{name}.journal"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{name}.lock").open("a")
    except OSError as error:
        raise UserError(
            f"trials cannot be stored there ({error}): name another folder", where=Option("storage", folder)
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system releases it when the process is killed
        except BlockingIOError:
            raise UserError(f"{file}: another process is tuning the same job: wait for it, or stop it") from None
        _repair_journal(file)
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(file)))
        _fail_interrupted_trials(storage, name)
        yield storage


def _repair_journal(file: Path) -> None:
    """Remove what a killed process leaves: an incomplete last line, which blocks further writes, and Optuna's lock."""
    Path(f"{file}.lock").unlink(missing_ok=True)
    if file.exists() and (content := file.read_bytes()) and not content.endswith(b"\n"):
        with file.open("r+b") as journal:
            journal.truncate(content.rfind(b"\n") + 1)


def _fail_interrupted_trials(storage: Any, name: str) -> None:
    """Mark trials as failed that are still recorded as running; the process that ran them has ended."""
    import optuna

    if name not in optuna.get_all_study_names(storage):
        return
    study = optuna.load_study(study_name=name, storage=storage)
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def _connect_database(url: str) -> Any:
    import optuna

    from forecasting.io.database import ConnectionFailed, usable_url

    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with usable_url(url) as address, warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.storages.RDBStorage(address, heartbeat_interval=HEARTBEAT, grace_period=3 * HEARTBEAT)
    except (ConnectionFailed, ImportError) as error:
        raise UserError(f"the database {error}", where=Option("storage")) from None
