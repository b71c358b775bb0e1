"""Where the files of a tracked run lie: `RunFiles` writes and reads them below the folder that the config names.

The tracking database records a place for each run. Where that is a local folder outside of the config's, the files were
moved, restored from a backup say: then those below the config's folder are taken, and new ones go there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunFiles:
    """The files of one run; `home` is where new ones go, `recorded` what the database says."""

    home: str
    recorded: str

    @classmethod
    def of(cls, client: Any, run_id: str, root: str) -> RunFiles:
        """Those of a run, `root` being the folder or address of all runs of a job."""
        recorded = str(client.get_run(run_id).info.artifact_uri).removeprefix("file://")
        inside = recorded.startswith(f"{root.rstrip('/')}/")
        return cls(recorded if inside or ":/" in recorded else f"{root.rstrip('/')}/{run_id}/artifacts", recorded)

    def write_file(self, path: Path, folder: str) -> None:
        """Put a file into a folder of the run."""
        _repository(self.home).log_artifact(str(path), folder)

    def write_folder(self, local: Path, folder: str) -> None:
        """Put all files below `local` into a folder of the run."""
        _repository(self.home).log_artifacts(str(local), folder)

    def write_texts(self, texts: Mapping[str, str], folder: str) -> None:
        """Put files of these names and texts into a folder of the run."""
        with tempfile.TemporaryDirectory() as local:
            for name, text in texts.items():
                Path(local, name).write_text(text, encoding="utf-8")
            self.write_folder(Path(local), folder)

    def fetch(self, folder: str, to: Path) -> Path:
        """Copy a folder of the run below `to` and return its place; OSError or MlflowException when it is missing."""
        home = _repository(self.home)
        found = home if self.home == self.recorded or home.list_artifacts(folder) else _repository(self.recorded)
        return Path(found.download_artifacts(folder, str(to)))


def _repository(uri: str) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(uri)


def artifact_root(artifacts: str, name: str) -> str:
    """The folder or address below which the runs of a job have their files."""
    root = artifacts if "://" in artifacts else str(Path(artifacts).absolute())
    return f"{root.rstrip('/')}/{name}"
