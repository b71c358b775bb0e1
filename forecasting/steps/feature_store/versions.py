"""Builds and their versions: `build_version` writes the rows of a BuildSpec, then registers them as a version.

It takes a Session and returns an Outcome, `reused` when there is an equal version; rows lie in `feature_rows` under the
identity of the build. `read_versions` returns the versions of a name, `scan_rows` the rows of one, lazily.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.schemas import feature_rows_table
from forecasting.services import log
from forecasting.services.console import track
from forecasting.services.store import Store
from forecasting.steps import identity
from forecasting.steps.feature_store.build_statistics import build_statistics
from forecasting.steps.registry import Outcome
from forecasting.steps.session import Session

ColumnTypes = dict[str, pl.DataType]
MakeRows = Callable[[int], pl.DataFrame]
"""The rows of a bucket, by its number; picklable."""
CODE = ("data", "features")
"""Packages whose code decides the values of features."""
TYPES: ColumnTypes = {"Float32": pl.Float32(), "String": pl.String()}


@dataclass(frozen=True)
class BuildSpec:
    """What to build: the table that registers it, its row there, its features, and the rows of each bucket."""

    registry: Literal["features", "training_sets"]
    row: dict[str, Any]
    columns: ColumnTypes
    make_rows: MakeRows

    @property
    def name(self) -> str:
        return str(self.row["name"])


def build_version(session: Session, spec: BuildSpec, *, force: bool = False) -> Outcome:
    """Build the rows and register them as the next version of their name.

    The outcome holds name, version, lead (periods), rows, first, last, cutoff, data_version and the number of features;
    it is `reused` when a version with the same data, recipe and code exists (unless `force`), or one with equal rows. A
    feature table is compared with its newest version, a training set with all.
    """
    store = with_feature_columns(session.store, spec.columns)
    origin = _origin(session.config, store, spec)
    existing = _existing_version(store, spec, build=origin["build"])
    if existing and not force:
        return _outcome(spec, existing, reused=True)
    if force:  # rows of a build never change: those of a repeated build get another identity
        origin["build"] += f"-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    with log.step("features", table=spec.name):
        facts = write_rows(store, session.panel, origin["build"], spec.make_rows)
    existing = _existing_version(store, spec, content=facts["content"])
    if existing and existing["build"] != origin["build"]:
        delete_rows(store, origin["build"])
    if existing:
        return _outcome(spec, existing, reused=True)
    return _outcome(spec, _register(store, session.panel, spec, origin | facts))


def _existing_version(store: Store, spec: BuildSpec, **equals: str) -> dict[str, Any] | None:
    """The version with this build or content; of a feature table only the newest, since it is what readers get."""
    versions = read_versions(store, spec.registry, spec.name)
    candidates = versions if spec.registry == "training_sets" else versions.head(1)
    return next(candidates.filter(*(pl.col(c) == v for c, v in equals.items())).iter_rows(named=True), None)


def _register(store: Store, panel: Panel, spec: BuildSpec, facts: dict[str, Any]) -> dict[str, Any]:
    """Write the statistics of a build, then register it as a version; returns its row."""
    stats = build_statistics(store, panel, facts["build"], list(spec.columns))
    store.replace("feature_stats", stats, build=facts["build"])
    row = facts | spec.row | {"built_at": datetime.now(UTC)}
    return row | {"version": store.append_numbered(spec.registry, row, name=spec.name)}


def _outcome(spec: BuildSpec, row: dict[str, Any], **reused: bool) -> Outcome:
    names = ("name", "version", "lead", "rows", "first", "last", "cutoff", "data_version")
    facts = {name: row[name] for name in names} | {"features": len(spec.columns)}
    return Outcome(spec.registry, {k: str(v) if hasattr(v, "isoformat") else v for k, v in facts.items()}, **reused)


def _origin(config: Config, store: Store, spec: BuildSpec) -> dict[str, Any]:
    """The data_version, recipe, code and columns of a build, and `build`, the identity of all of them."""
    recipe, code = identity.hashed(config, Config.keys_that_change("features")), identity.code_of(CODE)
    columns = json.dumps({name: str(kind) for name, kind in spec.columns.items()})
    request = {k: str(v) for k, v in sorted(spec.row.items()) if k != "feature_version"}
    build = _hash(f"{identity.data_key(store)} {recipe} {code} {columns} {request}")
    origin = {"data_version": identity.data_version(store), "recipe": recipe, "code": code}
    return origin | {"columns": columns, "build": build}


def write_rows(store: Store, panel: Panel, build: str, make_rows: MakeRows) -> dict[str, Any]:
    """Write the rows of all buckets, one in memory at a time.

    Returns rows (their number), first and last (days), and content (a hash of all values).
    """
    written = panel.engine.map(partial(_write_bucket, store, build, make_rows), panel.buckets)
    parts = list(track(written, "buckets", len(panel.buckets)))
    days = [day for part in parts for day in part["days"] if day]
    content = _hash(" ".join(part["content"] for part in parts))
    spans = {"first": min(days, default=None), "last": max(days, default=None)}
    return {"rows": sum(part["rows"] for part in parts), "content": content} | spans


def _write_bucket(store: Store, build: str, make_rows: MakeRows, bucket: int) -> dict[str, Any]:
    rows = make_rows(bucket).sort("unique_id", "ds")
    store.replace("feature_rows", rows.with_columns(build=pl.lit(build)), build=build, bucket=bucket)
    content = hashlib.sha256(rows.hash_rows(seed=0).to_numpy().tobytes()).hexdigest()
    return {"rows": rows.height, "days": (rows["ds"].min(), rows["ds"].max()), "content": content}


def delete_rows(store: Store, build: str) -> None:
    """Delete the rows of a build; readers keep the version of the table that they have opened."""
    store.replace("feature_rows", store.tables["feature_rows"].empty(), build=build)


def with_feature_columns(store: Store, columns: ColumnTypes) -> Store:
    """The store with these features as columns of its table `feature_rows`."""
    return replace(store, tables={**store.tables, "feature_rows": feature_rows_table(columns)})


def read_versions(store: Store, registry: str, name: str) -> pl.DataFrame:
    """Rows of the table `registry` (`features` or `training_sets`): one per version of a name, the newest first."""
    return store.scan(registry, name=name).collect().sort("version", descending=True)


def scan_rows(store: Store, row: dict[str, Any]) -> pl.LazyFrame:
    """The rows of a registered version, lazily: unique_id, ds, y, and the features that it was built with.

    One row per series and day, y in units of the source; empty when the rows are no longer kept.
    """
    columns = {name: TYPES[kind] for name, kind in json.loads(row["columns"]).items()}
    return with_feature_columns(store, columns).scan("feature_rows", build=row["build"]).drop("build")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
