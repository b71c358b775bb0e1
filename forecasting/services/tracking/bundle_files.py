"""Integrity of a bundle (fitted models and quantile table in one folder): allowed file types, a SHA-256 sum per file.

`compute_checksums` takes the folder and returns {relative path: digest}; `verify_checksums` takes the folder and the
digest of its checksums.json and raises UserError when a file differs; `check_contents` looks into the files. Nothing is
written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from forecasting.errors import UserError

SUFFIXES = (".json", ".parquet", ".txt", ".yaml")
CHECKSUMS = "checksums.json"
MLMODEL = "MLmodel"


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256 digest."""
    return hashlib.sha256(content).hexdigest()


def compute_checksums(folder: Path) -> dict[str, str]:
    """SHA-256 digest of every file below `folder` by relative path, except for MLmodel and checksums.json.

    Raises UserError when there is no file, or one that is not text, JSON, YAML or Parquet: other types may hold code.
    """
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    hashed = {name: path for name, path in files.items() if name not in {MLMODEL, CHECKSUMS}}
    unexpected = [name for name, path in hashed.items() if path.suffix not in SUFFIXES]
    if unexpected or not hashed:
        problem = f"holds {unexpected[0]}" if unexpected else "is empty"
        raise UserError(f"The bundle {folder} {problem}; a bundle is made of {', '.join(SUFFIXES)} files only.")
    return {name: sha256(path.read_bytes()) for name, path in hashed.items()}


def render_checksums(checksums: Mapping[str, str]) -> str:
    """The text of checksums.json."""
    return json.dumps(dict(checksums), indent=1, sort_keys=True)


def verify_checksums(folder: Path, digest: str) -> None:
    """Compare every file below `folder` with checksums.json, and checksums.json with `digest`.

    Raises UserError, naming the first file that was changed, added or removed.
    """
    expected_text = _read_bytes(folder / CHECKSUMS)
    if sha256(expected_text) != digest:
        raise _changed_file_error(CHECKSUMS)
    expected = json.loads(expected_text)
    actual = {**compute_checksums(folder), MLMODEL: sha256(_read_bytes(folder / MLMODEL))}
    for name in sorted({*expected, *actual}):
        if expected.get(name) != actual.get(name):
            raise _changed_file_error(name)


def check_contents(folder: Path) -> int:
    """How many files below `folder` hold what their endings say: data, and nothing that runs when it is loaded.

    Raises UserError, naming the first file that does not.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        if not _is_data(path.suffix, path.read_bytes()):
            name = path.relative_to(folder).as_posix()
            raise UserError(f"{name} of the bundle is no {path.suffix or 'text'} file, whatever it is called.")
    return len(files)


def _is_data(suffix: str, content: bytes) -> bool:
    """Whether these bytes are a file of the kind: Parquet by its marks, JSON that can be read, else plain text."""
    if suffix == ".parquet":
        return content[:4] == content[-4:] == b"PAR1"
    try:
        text = content.decode("utf-8")
        return "\0" not in text and (suffix != ".json" or json.loads(text) is not None)
    except ValueError:
        return False


def _read_bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _changed_file_error(name: str) -> UserError:
    return UserError(f"{name} of the bundle is not what was registered; bring the artifact folder back or train again.")
