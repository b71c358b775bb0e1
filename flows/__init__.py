"""Orchestration as a skin over forecasting.steps: Prefect flows and the command line."""

import os

# Nothing phones home. Set here because Prefect and MLflow read their settings when they are imported.
for name, value in (
    ("DO_NOT_TRACK", "true"),
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
):
    os.environ.setdefault(name, value)
