"""Writing the content of a run to MLflow: parameters, metrics, the input data set and files.

`log_content` takes an MLflow client, the id of a run, a TrackedRun and its RunFiles, and returns nothing;
`check_scores` raises UserError for a run without metrics. Runs are neither created nor ended here.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from forecasting.errors import UserError
from forecasting.services.tracking.artifacts import RunFiles
from forecasting.services.tracking.tracked_run import Dataset, TrackedRun, mlflow_name

BATCH_SIZE = 100  # parameters that MLflow accepts per call; it accepts more metrics


def log_content(client: Any, run_id: str, run: TrackedRun, files: RunFiles) -> None:
    """Log parameters, metrics, timings, the input data set and files of `run` to the MLflow run `run_id`."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    params = [Param(mlflow_name(name), str(value)) for name, value in run.params.items()]
    values = {**run.metrics, **{f"seconds.{name}": value for name, value in run.timings.items()}}
    metrics = [Metric(mlflow_name(name), value, now, 0) for name, value in values.items() if value is not None]
    for start in range(0, max(len(params), len(metrics)), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        client.log_batch(run_id, metrics=metrics[batch], params=params[batch])
    client.log_inputs(run_id, datasets=[_dataset_input(run.dataset)])
    for folder, path in run.artifacts.items():
        files.write_file(path, folder)


def check_scores(client: Any, run_id: str) -> None:
    """Raises UserError when the run has no metrics."""
    if not client.get_run(run_id).data.metrics:
        raise UserError(f"Run {run_id} has no backtest scores, so nothing is registered; run the backtest first.")


def _dataset_input(dataset: Dataset) -> Any:
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.polars_dataset import from_polars
    from mlflow.entities import DatasetInput, InputTag

    source = DeltaDatasetSource(path=dataset.path, delta_table_version=dataset.version)
    entity = from_polars(dataset.head, source=source, name=Path(dataset.path).name)._to_mlflow_entity()
    return DatasetInput(dataset=entity, tags=[InputTag("mlflow.data.context", "backtest")])
