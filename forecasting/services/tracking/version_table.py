"""The table of bundle versions: `version_table` makes it of MLflow's model versions and aliases.

One row per version [version, aliases, tags (JSON text), created (UTC), run_id], newest first; nothing is asked here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

VERSIONS: dict[str, pl.DataType] = {
    "version": pl.Int64(),
    "aliases": pl.List(pl.String),
    "tags": pl.String(),
    "created": pl.Datetime("us", "UTC"),
    "run_id": pl.String(),
}


def version_table(versions: Iterable[Any], aliases: Mapping[str, int]) -> pl.DataFrame:
    """The rows of these versions; `aliases` is {alias: version}."""
    rows = [
        {
            "version": int(v.version),
            "aliases": sorted(alias for alias, version in aliases.items() if version == int(v.version)),
            "tags": json.dumps(v.tags, sort_keys=True),
            "created": datetime.fromtimestamp(v.creation_timestamp / 1000, UTC),
            "run_id": v.run_id,
        }
        for v in versions
    ]
    return pl.DataFrame(rows, schema=VERSIONS).sort("version", descending=True)
