"""Connections to the MLflow tracking database or server: `connect` takes its address and returns an MlflowClient.

For a new SQLite file it creates the folder, the file and its tables. `absolute_uri` makes SQLite addresses absolute.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

from forecasting.errors import UserError

SQLITE = "sqlite:///"


@cache
def connect(uri: str) -> Any:
    """An MLflow client for `uri`, one per address; for a new SQLite file it creates folder and tables (seconds).

    Raises UserError when the database cannot be opened.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when mlflow is imported
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # progress bars are the console's job
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    for noisy in ("mlflow", "alembic"):  # mlflow sets its levels when it is imported
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        if uri.startswith(SQLITE):
            _make_folder(Path(uri.removeprefix(SQLITE)))
        return MlflowClient(uri, uri)
    except (OSError, MlflowException, SQLAlchemyError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UserError(
            f"tracking.uri {uri} cannot be opened ({reason}): name a file such as sqlite:///data/mlflow.db in a folder "
            "that you may write to, or the address of an MLflow server"
        ) from error


def _make_folder(database: Path) -> None:
    database.parent.mkdir(parents=True, exist_ok=True)


def absolute_uri(uri: str) -> str:
    """The address with an absolute path: MLflow caches connections by address, whatever the working directory is."""
    return f"{SQLITE}{Path(uri.removeprefix(SQLITE)).absolute()}" if uri.startswith(SQLITE) else uri
