"""Whether a load is about as large as the last one of its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.contracts import limits
from forecasting.services.store import Store


def is_usual(told: Mapping[str, Any], config: Config, store: Store) -> None:
    """Raise UserError when the account of a load tells of far more or fewer lines than that of the last one; of a
    landing folder, lines per file that was read.
    """
    lines = _lines(told)
    if config.limits.volume is not None and lines is not None:
        limits.check_volume(lines, last(store, told), config, unit(told))


def last(store: Store, like: Mapping[str, Any]) -> float | None:
    """Lines (per file) of the newest load of the kind of `like` that read any; None when there was none."""
    runs = store.scan("runs").filter(pl.col("step") == "ingest").collect().sort("run_at", descending=True)
    told = (json.loads(facts) for facts in runs["facts"])
    return next((lines for f in told if unit(f) == unit(like) and (lines := _lines(f))), None)


def unit(told: Mapping[str, Any]) -> str:
    """What loads of this kind are compared by."""
    return "lines per file" if "files_read" in told else "lines"


def _lines(told: Mapping[str, Any]) -> float | None:
    """None when no file was read."""
    files = len(told.get("files_read", ["all"]))
    return float(told["lines"]) / files if files else None
