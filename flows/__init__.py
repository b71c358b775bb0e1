"""The command line (`flows.cli`) and Prefect flows (`flows.orchestration`) over forecasting.steps.

Importing this package switches off the telemetry of Prefect and MLflow, unless the environment sets it already.
"""

import os

# Nothing phones home. Set here because Prefect and MLflow read their settings when they are imported.
for name, value in (
    ("DO_NOT_TRACK", "true"),
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
):
    os.environ.setdefault(name, value)
