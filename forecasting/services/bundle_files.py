"""What may be in a bundle, and whether it is what was registered: SHA-256 per file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from forecasting.errors import UserError

SUFFIXES = (".json", ".parquet", ".txt", ".yaml")
CHECKSUMS = "checksums.json"
MLMODEL = "MLmodel"
TYPES: dict[object, str] = {
    pl.String: "string",
    pl.Float64: "double",
    pl.Float32: "float",
    pl.Int64: "long",
    pl.Boolean: "boolean",
    pl.Date: "datetime",
    pl.Datetime: "datetime",
}


@dataclass(frozen=True)
class Signature:
    """Columns that a bundle takes and columns that it returns."""

    inputs: pl.Schema
    outputs: pl.Schema


def types(schema: pl.Schema) -> dict[str, str]:
    """MLflow's name for the type of each column; the smaller integers are "integer"."""
    return {name: TYPES.get(dtype.base_type(), "integer") for name, dtype in schema.items()}


def sha256(content: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(content).hexdigest()


def checksums(folder: Path) -> dict[str, str]:
    """Digest of every file below `folder` by relative path, without MLmodel and the list of checksums itself.

    UserError when there is no file, or one that is not plain text, JSON, YAML or Parquet: other kinds may hold code.
    """
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    ours = {name: path for name, path in files.items() if name not in {MLMODEL, CHECKSUMS}}
    strange = [name for name, path in ours.items() if path.suffix not in SUFFIXES]
    if strange or not ours:
        why = f"holds {strange[0]}" if strange else "is empty"
        raise UserError(f"The bundle {folder} {why}; a bundle is made of {', '.join(SUFFIXES)} files only.")
    return {name: sha256(path.read_bytes()) for name, path in ours.items()}


def listing(sums: Mapping[str, str]) -> str:
    """The text of checksums.json."""
    return json.dumps(dict(sums), indent=1, sort_keys=True)


def verify(folder: Path, digest: str) -> None:
    """Check every file below `folder` against checksums.json, and that file against `digest`.

    UserError names the first file that was changed, added or lost.
    """
    listed = _content(folder / CHECKSUMS)
    if sha256(listed) != digest:
        raise _tampered(folder / CHECKSUMS)
    expected = json.loads(listed)
    present = {**checksums(folder), MLMODEL: sha256(_content(folder / MLMODEL))}
    for name in sorted({*expected, *present}):
        if expected.get(name) != present.get(name):
            raise _tampered(folder / name)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _tampered(path: Path) -> UserError:
    return UserError(f"{path} is not what was registered; bring the artifact folder back or train again.")
