"""Where MLflow keeps its database, and the client that speaks to it."""

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
    """A client; the first one for a new SQLite file makes folder and tables (seconds).

    Raises UserError when the database cannot be opened.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when mlflow is imported
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # bars belong to the console
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    for noisy in ("mlflow", "alembic"):  # mlflow sets its levels when it is imported
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        if uri.startswith(SQLITE):
            Path(uri.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        return MlflowClient(uri, uri)
    except (OSError, MlflowException, SQLAlchemyError) as error:
        told = " ".join(str(error).split())[:160]
        raise UserError(
            f"tracking.uri {uri} cannot be opened ({told}): name a file such as sqlite:///data/mlflow.db in a folder "
            "that you may write to, or the address of an MLflow server"
        ) from error


def absolute(uri: str) -> str:
    """The address with an absolute path: MLflow keeps connections by address, whatever the working directory is."""
    return f"{SQLITE}{Path(uri.removeprefix(SQLITE)).absolute()}" if uri.startswith(SQLITE) else uri
