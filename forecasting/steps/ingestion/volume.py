"""The size of a load compared with the load before: `check_volume` raises UserError for far more or fewer lines.

It takes the account of a load (a dict of counts of lines), and returns nothing; `last_volume` returns lines (per file)
of the load before, from the table `runs`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.contracts import limits
from forecasting.services.store import Store


def check_volume(account: Mapping[str, Any], config: Config, store: Store) -> None:
    """Raise UserError when a load has far more or fewer lines than the one before; for a landing folder, per file."""
    lines = _lines_per_file(account)
    if config.limits.volume is not None and lines is not None:
        limits.check_volume(lines, last_volume(store, account), config, volume_unit(account))


def last_volume(store: Store, like: Mapping[str, Any]) -> float | None:
    """Lines (per file) of the newest load of the kind of `like` that read any; None when there was none."""
    runs = store.scan("runs").filter(pl.col("step") == "ingest").collect().sort("run_at", descending=True)
    account = (json.loads(facts) for facts in runs["facts"])
    return next((lines for f in account if volume_unit(f) == volume_unit(like) and (lines := _lines_per_file(f))), None)


def volume_unit(account: Mapping[str, Any]) -> str:
    """What loads of this kind are compared by."""
    return "lines per file" if "files_read" in account else "lines"


def _lines_per_file(account: Mapping[str, Any]) -> float | None:
    """None when no file was read."""
    files = len(account.get("files_read", ["all"]))
    return float(account["lines"]) / files if files else None
