"""`Registry`: MLflow runs of one config, and versions of its bundles (fitted models + quantile table in one folder).

`log_backtest` takes a TrackedRun and returns the run's id, `register_bundle` a folder and returns its version,
`download_bundle` a version and returns the folder. Nothing is pickled, no model class is known, downloads are verified.
"""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.errors import UserError
from forecasting.services.tracking import bundle_files
from forecasting.services.tracking.artifacts import RunFiles, artifact_root
from forecasting.services.tracking.bundle_files import sha256
from forecasting.services.tracking.client import SQLITE, absolute_uri, connect
from forecasting.services.tracking.run_content import check_scores, log_content
from forecasting.services.tracking.signature import Signature, render_mlmodel
from forecasting.services.tracking.tracked_run import TrackedRun, tags_digest
from forecasting.services.tracking.version_table import version_table

CONNECT_LOCK = threading.Lock()  # two threads must not import mlflow or create its tables at the same time


@dataclass(frozen=True)
class Registry:
    """Runs and bundle versions of one config.

    uri: sqlite:/// (a relative path is relative to the working directory) or a server. artifacts: the folder or s3://
    address where files are stored. name: the config's name, which is the name of the experiment and, prefixed with
    "demandcast-", of the registered model. Reading from a SQLite file that does not exist returns nothing and creates
    nothing.
    """

    uri: str
    artifacts: str
    name: str

    @property
    def model(self) -> str:
        """Name of the registered model."""
        return f"demandcast-{self.name}"

    def find_run(self, tags: Mapping[str, str]) -> str | None:
        """Id of the newest finished run with exactly these tags; None if there is none."""
        if (client := self._reader()) is None or (experiment := client.get_experiment_by_name(self.name)) is None:
            return None
        condition = f"tags.batch = '{tags_digest(tags)}' and attributes.status = 'FINISHED'"
        runs = client.search_runs([experiment.experiment_id], condition, max_results=1)
        return str(runs[0].info.run_id) if runs else None

    def log_backtest(self, run: TrackedRun) -> str:
        """Log a backtest and return the run's id; a finished run with the same tags is reused."""
        return self._log(run, "backtest", None)

    def log_tuning(self, run: TrackedRun, trials: pl.DataFrame) -> str:
        """Log a search, with its trials as a table that MLflow displays, and return the run's id."""
        return self._log(run, "tune", trials)

    def _log(self, run: TrackedRun, name: str, table: pl.DataFrame | None) -> str:
        if (existing := self.find_run(run.tags)) is not None:
            return existing
        client = self._client()
        tags = {**run.tags, "batch": tags_digest(run.tags)}
        run_id = str(client.create_run(self._experiment(), tags=tags, run_name=name).info.run_id)
        try:
            log_content(client, run_id, run, self._files(run_id))
            if table is not None:
                client.log_table(run_id, table.to_dict(as_series=False), f"{name}.json")
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id)
        return run_id

    def register_bundle(
        self, folder: Path, run_id: str, identity: str, signature: Signature, tags: Mapping[str, str]
    ) -> int:
        """Upload the bundle in `folder` to its backtest run and return its version; an existing identity is reused,
        unless its files are not what was registered.

        Raises UserError when the run has no scores, or the folder is empty or contains a file type that is not allowed.
        """
        if (existing := self.find_version(identity)) is not None and self._is_whole(existing):
            return existing
        checksums, client = bundle_files.compute_checksums(folder), self._client()
        check_scores(client, run_id)
        path = f"bundles/{uuid.uuid4().hex}"  # a new path each time, so that files of a crashed upload cannot mix in
        mlmodel = render_mlmodel(path, run_id, signature)
        listing = bundle_files.render_checksums(checksums | {bundle_files.MLMODEL: sha256(mlmodel.encode())})
        self._files(run_id).write_folder(folder, path)
        self._files(run_id).write_texts({bundle_files.MLMODEL: mlmodel, bundle_files.CHECKSUMS: listing}, path)
        if not client.search_registered_models(f"name = '{self.model}'"):
            client.create_registered_model(self.model)
        tags = {**tags, "identity": identity, "checksums": sha256(listing.encode())}
        created = client.create_model_version(self.model, f"runs:/{run_id}/{path}", run_id=run_id, tags=tags)
        return int(created.version)

    def download_bundle(self, version: int, folder: Path) -> Path:
        """Download a version into `folder` and return the path of the bundle; every file is verified.

        Raises UserError when the version or its files are missing, or a file differs from what was registered.
        """
        registered = self._version(version)
        from mlflow.exceptions import MlflowException  # after the first connection, which sets the environment

        folder.mkdir(parents=True, exist_ok=True)
        source = registered.source.removeprefix(f"runs:/{registered.run_id}/")
        try:
            path = self._files(registered.run_id).fetch(source, folder)
        except (OSError, MlflowException) as error:
            raise UserError(
                f"The files of {self.model} version {version} are not at {registered.source}; "
                "bring the artifact folder back or train again."
            ) from error
        bundle_files.verify_checksums(path, registered.tags["checksums"])
        return path

    def _is_whole(self, version: int) -> bool:
        """Whether the files of a version are there, and those that were registered."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                self.download_bundle(version, Path(folder))
            except UserError:
                return False
        return True

    def find_version(self, identity: str) -> int | None:
        """The newest version with this identity; None if there is none."""
        return max((int(v.version) for v in self._versions() if v.tags.get("identity") == identity), default=None)

    def versions(self) -> pl.DataFrame:
        """[version, aliases, tags (JSON text), created (UTC), run_id]: one row per version, newest first."""
        return version_table(self._versions(), self._aliases())

    def aliased_version(self, alias: str) -> int | None:
        """The version with this alias (champion, challenger); None if no version has it."""
        return self._aliases().get(alias)

    def set_alias(self, alias: str, version: int) -> None:
        """Move the alias to a version; moving champion to an earlier version is a rollback.

        Raises UserError when there is no such version.
        """
        self._client().set_registered_model_alias(self.model, alias, str(self._version(version).version))

    def tag_version(self, version: int, key: str, value: str) -> None:
        """Set a tag of a version, such as the reason of its promotion; raises UserError if the version is missing."""
        self._client().set_model_version_tag(self.model, str(self._version(version).version), key, value)

    def _client(self) -> Any:
        with CONNECT_LOCK:
            return connect(absolute_uri(self.uri))

    def _reader(self) -> Any | None:
        """A client, or None when there is no SQLite file yet: only writers create one, which takes seconds."""
        uri = absolute_uri(self.uri)
        missing = uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists()
        return None if missing else self._client()

    def _experiment(self) -> str:
        client = self._client()
        if (found := client.get_experiment_by_name(self.name)) is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(self.name, artifact_location=artifact_root(self.artifacts, self.name)))

    def _files(self, run_id: str) -> RunFiles:
        return RunFiles.of(self._client(), run_id, artifact_root(self.artifacts, self.name))

    def _versions(self) -> list[Any]:
        client = self._reader()
        return [] if client is None else list(client.search_model_versions(f"name = '{self.model}'"))

    def _aliases(self) -> dict[str, int]:
        client = self._reader()
        found = [] if client is None else client.search_registered_models(f"name = '{self.model}'")
        return {alias: int(version) for model in found for alias, version in model.aliases.items()}

    def _version(self, version: int) -> Any:
        for registered in self._versions():
            if int(registered.version) == version:
                return registered
        existing = ", ".join(str(v) for v in self.versions()["version"]) or "none"
        raise UserError(f"{self.model} has no version {version}; the registered ones are: {existing}.")
