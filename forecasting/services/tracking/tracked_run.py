"""`TrackedRun`, the content of an MLflow run (parameters, tags, metrics, data set, files) in plain values.

`tags_digest` takes tags and returns the digest by which equal runs are found; `mlflow_name` takes a name
and returns one that MLflow accepts. Nothing is sent to MLflow here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Dataset:
    """The input of a run: a Delta table and its version; `head`, a few of its rows, provides the schema."""

    head: pl.DataFrame
    path: str
    version: int | None


@dataclass(frozen=True)
class TrackedRun:
    """One backtest or tuning run.

    tags (data_version, recipe, code ...) identify what the scores depend on: runs with equal tags are the same run.
    metrics are named "model.metric"; timings are in seconds per step; artifacts maps a folder of the run to a file.
    """

    params: Mapping[str, Any]
    tags: Mapping[str, str]
    metrics: Mapping[str, float | None]
    dataset: Dataset
    timings: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)


def tags_digest(tags: Mapping[str, str]) -> str:
    """SHA-256 digest of the tags: one value that MLflow can search for, whatever characters the tags contain."""
    return hashlib.sha256(json.dumps(dict(tags), sort_keys=True).encode()).hexdigest()


def mlflow_name(name: str) -> str:
    """The name without characters that MLflow refuses: "ARIMA(1,1,1)[12].wape" becomes "ARIMA_1_1_1_12.wape"."""
    return re.sub(r"_+(?=\.|$)", "", re.sub(r"[^\w\-. :/]+", "_", name))
