"""The door to MLflow: backtest runs, bundle versions and aliases.

It moves folders and knows no model class. Nothing is pickled, and what comes back is checked (see bundle).
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.errors import UserError
from forecasting.services import bundle_files
from forecasting.services.bundle_files import Signature, types
from forecasting.services.tracked_run import Batch, Dataset, allowed, key
from forecasting.services.tracking_client import SQLITE, absolute, connect

PER_CALL = 100  # parameters that MLflow takes at once; of metrics it takes more
VERSIONS: dict[str, pl.DataType] = {
    "version": pl.Int64(),
    "aliases": pl.List(pl.String),
    "tags": pl.String(),
    "created": pl.Datetime("us", "UTC"),
    "run_id": pl.String(),
}
CONNECTING = threading.Lock()  # importing mlflow and making its tables must not happen twice at once


@dataclass(frozen=True)
class Registry:
    """Runs and versions of one config.

    uri: sqlite:/// (a relative path counts from the working directory) or a database server. artifacts: the folder or
    s3:// address under which files are kept. name: the config's name; it names the experiment and, behind
    "demandcast-", the registered model. Asking a SQLite file that does not exist yields nothing and makes nothing.
    """

    uri: str
    artifacts: str
    name: str

    @property
    def model(self) -> str:
        """Registered name."""
        return f"demandcast-{self.name}"

    def find_run(self, tags: Mapping[str, str]) -> str | None:
        """The newest finished run with exactly these tags."""
        if (client := self._reader()) is None or (experiment := client.get_experiment_by_name(self.name)) is None:
            return None
        wanted = f"tags.batch = '{key(tags)}' and attributes.status = 'FINISHED'"
        runs = client.search_runs([experiment.experiment_id], wanted, max_results=1)
        return str(runs[0].info.run_id) if runs else None

    def log_backtest(self, batch: Batch) -> str:
        """Log a batch as one run and return its id; a finished run with the same tags is reused."""
        return self._log(batch, "backtest", None)

    def log_tuning(self, batch: Batch, trials: pl.DataFrame) -> str:
        """Log a search as one run, with its trials as a table that MLflow shows, and return its id."""
        return self._log(batch, "tune", trials)

    def _log(self, batch: Batch, name: str, shown: pl.DataFrame | None) -> str:
        if (done := self.find_run(batch.tags)) is not None:
            return done
        client = self._client()
        tags = {**batch.tags, "batch": key(batch.tags)}
        run = str(client.create_run(self._experiment(), tags=tags, run_name=name).info.run_id)
        try:
            _fill(client, run, batch)
            if shown is not None:
                client.log_table(run, shown.to_dict(as_series=False), f"{name}.json")
        except BaseException:
            client.set_terminated(run, "FAILED")
            raise
        client.set_terminated(run)
        return run

    def register(self, folder: Path, run_id: str, identity: str, signature: Signature, tags: Mapping[str, str]) -> int:
        """Upload the bundle in `folder` beside its backtest run and return its version; a known identity is reused.

        UserError when the run has no scores, or the folder is empty or holds a kind of file that is not allowed.
        """
        if (known := self.find(identity)) is not None:
            return known
        sums, client = bundle_files.checksums(folder), self._client()
        _demand_scores(client, run_id)
        place = f"bundles/{uuid.uuid4().hex}"  # never used before: what a crash left behind cannot mix with it
        description = _mlmodel(place, run_id, signature)
        listing = bundle_files.listing({**sums, bundle_files.MLMODEL: bundle_files.sha256(description.encode())})
        client.log_artifacts(run_id, str(folder), place)
        client.log_text(run_id, description, f"{place}/{bundle_files.MLMODEL}")
        client.log_text(run_id, listing, f"{place}/{bundle_files.CHECKSUMS}")
        if not client.search_registered_models(f"name = '{self.model}'"):
            client.create_registered_model(self.model)
        marks = {**tags, "identity": identity, "checksums": bundle_files.sha256(listing.encode())}
        made = client.create_model_version(self.model, f"runs:/{run_id}/{place}", run_id=run_id, tags=marks)
        return int(made.version)

    def fetch(self, version: int, folder: Path) -> Path:
        """Download a version below `folder` and return the bundle's folder, every file checked.

        UserError when the version or its files are missing, or a file is not what was registered.
        """
        found = self._version(version)
        from mlflow.exceptions import MlflowException  # after the first connection, which sets the environment

        folder.mkdir(parents=True, exist_ok=True)
        place = found.source.removeprefix(f"runs:/{found.run_id}/")
        try:
            path = Path(self._client().download_artifacts(found.run_id, place, str(folder)))
        except (OSError, MlflowException) as error:
            raise UserError(
                f"The files of {self.model} version {version} are not at {found.source}; "
                "bring the artifact folder back or train again."
            ) from error
        bundle_files.verify(path, found.tags["checksums"])
        return path

    def find(self, identity: str) -> int | None:
        """The newest version with this identity."""
        return max((int(v.version) for v in self._all() if v.tags.get("identity") == identity), default=None)

    def versions(self) -> pl.DataFrame:
        """All versions, newest first: version, aliases, tags (JSON text), created (UTC), run_id."""
        names = self._aliases()
        rows = [
            {
                "version": int(found.version),
                "aliases": sorted(name for name, version in names.items() if version == int(found.version)),
                "tags": json.dumps(found.tags, sort_keys=True),
                "created": datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
                "run_id": found.run_id,
            }
            for found in self._all()
        ]
        return pl.DataFrame(rows, schema=VERSIONS).sort("version", descending=True)

    def alias(self, alias: str) -> int | None:
        """The version that bears the alias (champion, challenger)."""
        return self._aliases().get(alias)

    def set_alias(self, alias: str, version: int) -> None:
        """Give the alias to a version; giving champion to an earlier version is a rollback."""
        self._client().set_registered_model_alias(self.model, alias, str(self._version(version).version))

    def tag_version(self, version: int, key: str, value: str) -> None:
        """Write a note at a version (the gate's reason, say)."""
        self._client().set_model_version_tag(self.model, str(self._version(version).version), key, value)

    def _client(self) -> Any:
        with CONNECTING:
            return connect(absolute(self.uri))

    def _reader(self) -> Any | None:
        """A client, or None when there is no SQLite file yet: making one takes seconds and is for writers."""
        uri = absolute(self.uri)
        missing = uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists()
        return None if missing else self._client()

    def _experiment(self) -> str:
        client = self._client()
        if (found := client.get_experiment_by_name(self.name)) is not None:
            return str(found.experiment_id)
        root = self.artifacts if "://" in self.artifacts else str(Path(self.artifacts).absolute())
        return str(client.create_experiment(self.name, artifact_location=f"{root.rstrip('/')}/{self.name}"))

    def _all(self) -> list[Any]:
        client = self._reader()
        return [] if client is None else list(client.search_model_versions(f"name = '{self.model}'"))

    def _aliases(self) -> dict[str, int]:
        client = self._reader()
        found = [] if client is None else client.search_registered_models(f"name = '{self.model}'")
        return {alias: int(version) for model in found for alias, version in model.aliases.items()}

    def _version(self, version: int) -> Any:
        for found in self._all():
            if int(found.version) == version:
                return found
        known = ", ".join(str(v) for v in self.versions()["version"]) or "none"
        raise UserError(f"{self.model} has no version {version}; the registered ones are: {known}.")


def _fill(client: Any, run: str, batch: Batch) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    params = [Param(allowed(name), str(value)) for name, value in batch.params.items()]
    values = {**batch.metrics, **{f"seconds.{name}": value for name, value in batch.timings.items()}}
    metrics = [Metric(allowed(name), value, now, 0) for name, value in values.items() if value is not None]
    for start in range(0, max(len(params), len(metrics)), PER_CALL):
        part = slice(start, start + PER_CALL)
        client.log_batch(run, metrics=metrics[part], params=params[part])
    client.log_inputs(run, datasets=[_input(batch.dataset)])
    for folder, path in batch.artifacts.items():
        client.log_artifact(run, str(path), folder)


def _input(dataset: Dataset) -> Any:
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.polars_dataset import from_polars
    from mlflow.entities import DatasetInput, InputTag

    source = DeltaDatasetSource(path=dataset.path, delta_table_version=dataset.version)
    entity = from_polars(dataset.head, source=source, name=Path(dataset.path).name)._to_mlflow_entity()
    return DatasetInput(dataset=entity, tags=[InputTag("mlflow.data.context", "backtest")])


def _demand_scores(client: Any, run_id: str) -> None:
    if not client.get_run(run_id).data.metrics:
        raise UserError(f"Run {run_id} has no backtest scores, so nothing is registered; run the backtest first.")


def _mlmodel(place: str, run_id: str, signature: Signature) -> str:
    """The text of MLflow's own description of a model: where it is, what it takes and what it returns."""
    from mlflow.models import Model, ModelSignature

    described = ModelSignature(inputs=_columns(types(signature.inputs)), outputs=_columns(types(signature.outputs)))
    return str(Model(artifact_path=place, run_id=run_id, signature=described).to_yaml())


def _columns(types: Mapping[str, str]) -> Any:
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(kind, name) for name, kind in types.items()])
