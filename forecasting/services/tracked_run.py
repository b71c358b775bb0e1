"""What a backtest run is made of, in plain values: the registry hands it to MLflow."""

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
    """What a run has seen: a Delta table and its version; `head` (a few rows) only gives the schema."""

    head: pl.DataFrame
    path: str
    version: int | None


@dataclass(frozen=True)
class Batch:
    """One backtest batch.

    tags (data_version, recipe, code ...) say what the scores depend on: equal tags, equal run. metrics are named
    "model.metric"; timings are seconds per step; artifacts are files by the folder of the run that they go to.
    """

    params: Mapping[str, Any]
    tags: Mapping[str, str]
    metrics: Mapping[str, float | None]
    dataset: Dataset
    timings: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)


def key(tags: Mapping[str, str]) -> str:
    """The tags as one value that can be searched for, whatever characters they hold."""
    return hashlib.sha256(json.dumps(dict(tags), sort_keys=True).encode()).hexdigest()


def allowed(name: str) -> str:
    """MLflow takes no brackets and commas in names: "ARIMA(1,1,1)[12].wape" becomes "ARIMA_1_1_1_12.wape"."""
    return re.sub(r"_+(?=\.|$)", "", re.sub(r"[^\w\-. :/]+", "_", name))
